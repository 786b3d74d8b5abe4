"""A voice is told from a noise by the hidden states of a window; needs TensorFlow."""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")

from emotiond.models.detector import describe, detect, train_detector  # noqa: E402
from emotiond.models.encoder import constants  # noqa: E402

CHANNELS, STEPS = 6, 20


def test_padding_does_not_count() -> None:
    states = np.random.default_rng(0).standard_normal((2, STEPS, CHANNELS)).astype(np.float32)
    real = np.ones((2, STEPS, 1), np.float32)
    real[:, 12:] = 0
    described = describe(states, real).numpy()
    changed = states.copy()
    changed[:, 12:] += 50
    np.testing.assert_allclose(describe(changed, real).numpy(), described, atol=1e-4)
    assert described.shape == (2, 3 * CHANNELS)
    np.testing.assert_allclose(described[:, -CHANNELS:], states[:, :12].max(axis=1), atol=1e-5)


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
