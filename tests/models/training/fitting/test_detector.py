"""The voice detector learns from unequal numbers of voices and noises; its threshold is 0."""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")

from emotiond.models.training.fitting import detector  # noqa: E402
from emotiond.models.training.fitting.detector import OPEN_SHARE, train_detector  # noqa: E402
from emotiond.models.training.networks.detector import detect  # noqa: E402
from emotiond.models.training.networks.layers import constants  # noqa: E402

CHANNELS = 6
NOISES = 40


def examples() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Many voices, which differ from the few noises in one value; noises of two folds."""
    random = np.random.default_rng(1)
    is_voice = np.arange(400) >= NOISES
    described = 5 + 3 * random.standard_normal((400, 2 * CHANNELS))
    described[is_voice, 0] += 20
    return described, is_voice, np.where(is_voice, 0, 1 + np.arange(400) % 2)


def test_few_noises_among_many_voices_are_learned() -> None:
    tf.random.set_seed(0)
    described, is_voice, fold = examples()
    parameters = train_detector(described, is_voice, fold, seed=0)
    logits = detect(described.astype(np.float32), constants(parameters)).numpy()[:, 0]
    assert np.mean((logits > 0) == is_voice) > 0.95


def test_noises_of_another_kind_than_all_others_pass_the_threshold_seldom() -> None:
    """Those of fold 2 are like voices in part, which is seen only where they were left out."""
    described, is_voice, fold = examples()
    described[fold == 2, 0] += 6

    def passing(folds: np.ndarray) -> float:
        parameters = train_detector(described, is_voice, folds, seed=0)
        voices = detect(described[is_voice].astype(np.float32), constants(parameters)).numpy()
        return float(np.median(voices))

    assert passing(fold) < passing(np.zeros_like(fold))
    assert 0 < OPEN_SHARE < 1


def test_without_any_noise_there_is_nothing_to_learn() -> None:
    described = np.random.default_rng(2).standard_normal((50, 2 * CHANNELS))
    parameters = train_detector(described, np.ones(50, np.bool_), np.zeros(50, np.int64), seed=0)
    assert np.isfinite(detect(described.astype(np.float32), constants(parameters))).all()


def test_noises_of_one_fold_alone_leave_the_threshold_where_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(detector, "_STEPS", 20)
    described, is_voice, fold = examples()

    def bias(folds: np.ndarray) -> np.ndarray:
        tf.random.set_seed(0)
        return train_detector(described, is_voice, folds, seed=0)["out/bias"]

    one = np.minimum(fold, 1)
    np.testing.assert_array_equal(bias(one), bias(np.zeros_like(one)))
