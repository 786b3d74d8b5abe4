"""The voice detector learns from unequal numbers of voices and noises."""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")

from emotiond.models.training.fitting.detector import train_detector  # noqa: E402
from emotiond.models.training.networks.detector import detect  # noqa: E402
from emotiond.models.training.networks.layers import constants  # noqa: E402

CHANNELS = 6


def test_few_noises_among_many_voices_are_learned() -> None:
    random = np.random.default_rng(1)
    is_voice = np.arange(400) >= 40
    described = 5 + 3 * random.standard_normal((400, 3 * CHANNELS))
    described[is_voice, 0] += 12
    logits = detect(
        described.astype(np.float32), constants(train_detector(described, is_voice, seed=0))
    ).numpy()[:, 0]
    assert np.mean((logits > 0) == is_voice) > 0.95


def test_without_any_noise_there_is_nothing_to_learn() -> None:
    described = np.random.default_rng(2).standard_normal((50, 3 * CHANNELS))
    parameters = train_detector(described, np.ones(50, np.bool_), seed=0)
    assert np.isfinite(detect(described.astype(np.float32), constants(parameters))).all()
