"""Each fold is evaluated by the model that was not trained on it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

pytest.importorskip("scipy", reason="evaluation varies sounds with scipy: pip install .[train]")

from emotiond.exceptions import DataError
from emotiond.models.training.evaluation.cached_inference import CONDITIONS
from emotiond.models.training.evaluation.cross_validation import (
    Extent,
    Fold,
    cold_by_fold,
    evaluate,
)
from tests.support.last_window import LastWindowSettings


def test_every_clip_is_scored_once_by_the_model_of_its_fold(
    results: dict[str, dict[str, object]],
) -> None:
    assert results["cold"]["clips"] == results["adapted"]["clips"] == 16
    assert results["enrolled"]["enrolled"]["clips"] == 14  # type: ignore[index]
    assert len(results["cold"]["folds"]) == 2  # type: ignore[arg-type]


def test_clips_are_scored_before_and_after_a_lasting_emotion(
    results: dict[str, dict[str, dict[str, float]]],
) -> None:
    for kind in ("the same emotion", "others"):
        assert set(results["held"][kind]) == {"before", "after"}


def test_another_seed_is_scored_in_the_same_way(
    folds: list[Fold], results: dict[str, dict[str, object]]
) -> None:
    assert cold_by_fold(folds) == results["cold"]["folds"]


def test_every_noise_and_condition_has_a_figure(results: dict[str, dict[str, object]]) -> None:
    assert set(results["conditions"]) == set(CONDITIONS)
    assert {"rain", "digital silence", "all"} <= set(results["noise"])
    assert results["noise"]["digital silence"] == 0
    assert "the same, after a voice and a pause" in results["noise"]
    assert 0 <= results["stream"]["calibration_error"] <= 1  # type: ignore[operator]


def test_another_kind_of_smoothing_is_refused_before_inference(
    folds: list[Fold], monkeypatch: pytest.MonkeyPatch
) -> None:
    inference = folds[0].inference
    card = dataclasses.replace(inference.card, smoothing=LastWindowSettings(majority=0.5))
    monkeypatch.setattr(inference, "card", card)
    monkeypatch.setattr(inference, "clips", lambda _: pytest.fail("it ran a model"))
    with pytest.raises(DataError, match="another kind of smoothing than hmm"):
        evaluate(
            folds, [], [], Path("full.tflite"), Extent(orders=1, streams=1, changes=1, share=1)
        )
