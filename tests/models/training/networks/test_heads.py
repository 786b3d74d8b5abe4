"""Heads adapt only to a known speaker."""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")


from emotiond.models.training.networks import heads  # noqa: E402


def test_a_cold_speaker_changes_nothing_and_a_known_one_is_removed() -> None:
    random = np.random.default_rng(0)
    standard = random.standard_normal((1, 75, heads.CHANNELS)).astype(np.float32)
    cold = np.zeros((1, heads.SPEAKER_SIZE), np.float32)
    np.testing.assert_allclose(heads.adapt(standard, cold), standard)
    loud = np.ones((1, 75, 1), np.float32)
    constants = {"log_deviation": np.zeros(heads.CHANNELS, np.float32)}
    statistics = heads.window_statistics(standard, loud, constants)
    mean, deviation = heads.masked_moments(heads.adapt(standard, statistics), loud)
    np.testing.assert_allclose(mean, 0, atol=1e-4)
    np.testing.assert_allclose(deviation, 1, atol=1e-3)
