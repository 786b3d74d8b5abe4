"""Speech above the voice threshold counts as kept open, and a clip without any has no voice."""

from __future__ import annotations

import dataclasses

import pytest

pytest.importorskip("scipy", reason="evaluation varies sounds with scipy: pip install .[train]")

from emotiond.models.training.evaluation.cross_validation import Fold
from emotiond.models.training.evaluation.noise_figures import open_share, share_without_voice


def test_speech_in_a_window_with_a_voice_is_kept_open(folds: list[Fold]) -> None:
    fold = folds[0]
    inferred = fold.inference.stream(fold.clips, 0)
    all_of_it, nothing = (
        dataclasses.replace(fold.inference.card, voice_threshold=threshold) for threshold in (0, 1)
    )
    assert open_share([[inferred]], [all_of_it])["speech_kept_open"] > 0.9
    assert open_share([[inferred]], [nothing])["speech_kept_open"] == 0


def test_a_clip_without_any_window_above_the_threshold_has_no_voice(folds: list[Fold]) -> None:
    fold = folds[0]
    inferred = fold.inference.clips(fold.clips)
    for threshold in (0.0, 1.0):
        at = dataclasses.replace(fold.inference.card, voice_threshold=threshold)
        assert share_without_voice(inferred, at) == threshold
