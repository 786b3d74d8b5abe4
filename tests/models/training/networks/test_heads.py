"""Heads pool the real states of a window, and adapt only to a known speaker."""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")

from emotiond.models.training.networks import heads  # noqa: E402
from emotiond.models.training.networks.layers import constants  # noqa: E402

RANDOM = np.random.default_rng(0)
STATES = RANDOM.standard_normal((2, 50, heads.CHANNELS)).astype(np.float32)


def test_a_cold_speaker_changes_nothing_and_a_known_one_is_removed() -> None:
    standard = STATES[:1]
    cold = np.zeros((1, heads.SPEAKER_SIZE), np.float32)
    np.testing.assert_allclose(heads.adapt(standard, cold), standard)
    loud = np.ones((1, 50, 1), np.float32)
    moments = {"log_deviation": np.zeros(heads.CHANNELS, np.float32)}
    statistics = heads.window_statistics(standard, loud, moments)
    mean, deviation = heads.masked_moments(heads.adapt(standard, statistics), loud)
    np.testing.assert_allclose(mean, 0, atol=1e-4)
    np.testing.assert_allclose(deviation, 1, atol=1e-3)


def test_states_within_35_db_of_the_loudest_are_loud_and_those_without_level_padding() -> None:
    real, loud = heads.masks(tf.constant([[5.0, 8.0, 4.4, 4.6, 0.0], [0.5, 0.0, 0.6, 0.1, 0.0]]))
    assert real.numpy()[:, :, 0].tolist() == [[1, 1, 1, 1, 0], [1, 0, 1, 1, 0]]
    assert loud.numpy()[:, :, 0].tolist() == [[1, 1, 0, 1, 0], [1, 0, 1, 1, 0]]


def test_padding_is_not_pooled() -> None:
    head = constants(heads.new_head(heads.HeadSize(1, 8, 6), RANDOM))
    real = np.ones((2, 50, 1), np.float32)
    real[:, 30:] = 0
    other = STATES.copy()
    other[:, 30:] = 100
    pooled = [heads.pool(tf.constant(s), tf.constant(real), head, 0.0) for s in (STATES, other)]
    np.testing.assert_allclose(*pooled, atol=1e-4)
    assert pooled[0].shape == (2, 5 * 8)


def test_a_population_is_measured_on_loud_states_only() -> None:
    states = (2 + 3 * RANDOM.standard_normal((30, 50, heads.CHANNELS))).astype(np.float16)
    levels = np.full((30, 50), 6, np.float32)
    levels[:, 25:] = 1
    states[:, 25:] = 90
    population = heads.describe_population(states, levels)
    np.testing.assert_allclose(population.mean, 2, atol=0.6)
    np.testing.assert_allclose(population.deviation, 3, atol=0.5)
    moments = heads.population_parameters(population)
    standard = heads.standardise(tf.constant(states, tf.float32), moments)
    _, loud = heads.masks(tf.constant(levels))
    statistics = heads.window_statistics(standard, loud, moments).numpy()
    np.testing.assert_allclose(statistics.mean(axis=0), 0, atol=0.01)


def test_logits_are_the_mean_of_pooling_heads_and_a_linear_one() -> None:
    states, real = tf.constant(STATES), tf.ones((2, 50, 1))
    channels = np.zeros(heads.CHANNELS, np.float32)
    moments = heads.population_parameters(heads.Population(channels, channels + 1, channels))
    two = [constants(heads.new_head(heads.HeadSize(2, 8, 6), RANDOM)) for _ in range(2)]
    linear = heads.new_linear()
    linear["kernel"] += RANDOM.standard_normal(linear["kernel"].shape).astype(np.float32)
    fixed = constants(linear)
    pooled = [heads.classify(heads.pool(states, real, head, 0.0), head, 0.0) for head in two]
    described = heads.window_statistics(states, real, moments)
    expected = (sum(pooled) / 2 + heads.linear_logits(described, fixed, 0.0)) / 2
    logits = heads.label_logits(states, real, two, fixed, moments)
    np.testing.assert_allclose(logits, expected, atol=1e-4)
    assert logits.shape == (2, heads.N_LABELS)
