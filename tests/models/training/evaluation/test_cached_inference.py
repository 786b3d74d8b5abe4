"""Inference runs once; later evaluations read its results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emotiond.inference.classifier import Classifier
from emotiond.inference.model import read_model
from emotiond.inference.runtime import find_runtime
from emotiond.models.training.evaluation.cached_inference import FixedSpeaker
from emotiond.models.training.evaluation.cross_validation import Fold
from emotiond.models.training.evaluation.replay import adapt_to, infer
from tests.models.sounds import babble

DATA = Path(__file__).parents[3] / "data"


def test_a_clip_updates_the_statistics_after_its_score() -> None:
    classifier = Classifier(read_model(DATA / "adapting.tflite"), find_runtime())
    speaker = classifier.speaker()
    assert speaker is not None
    steps = infer(classifier, babble(3.0), FixedSpeaker.of(speaker))
    assert not speaker.vector.any()
    adapt_to(steps, classifier.card, speaker)
    assert speaker.vector.any()
    fixed = FixedSpeaker.of(speaker)
    before = fixed.vector.copy()
    adapt_to(steps, classifier.card, fixed)
    np.testing.assert_array_equal(fixed.vector, before)


def test_inference_is_not_repeated(
    folds: list[Fold], results: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("emotiond.inference.classifier.Classifier.infer", refuse)
    fold = folds[0]
    assert len(fold.inference.clips(fold.clips)) == 8
    with pytest.raises(AssertionError):
        fold.inference.clips(fold.clips[1:])
