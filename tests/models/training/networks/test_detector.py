"""The voice detector separates voices from noises by hidden states; needs TensorFlow."""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")

from emotiond.models.training.networks.detector import describe  # noqa: E402

CHANNELS, STEPS = 6, 20


def test_padding_does_not_count() -> None:
    states = np.random.default_rng(0).standard_normal((2, STEPS, CHANNELS)).astype(np.float32)
    real = np.ones((2, STEPS, 1), np.float32)
    real[:, 12:] = 0
    described = describe(states, real).numpy()
    changed = states.copy()
    changed[:, 12:] += 50
    np.testing.assert_allclose(describe(changed, real).numpy(), described, atol=1e-4)
    assert described.shape == (2, 2 * CHANNELS)
    np.testing.assert_allclose(described[:, :CHANNELS], states[:, :12].mean(axis=1), atol=1e-3)
