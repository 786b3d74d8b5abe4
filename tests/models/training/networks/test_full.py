"""The network above the encoder gives the same result for a window in any batch."""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")

from emotiond.models.training.networks import full  # noqa: E402
from emotiond.models.training.networks.heads import (  # noqa: E402
    CHANNELS,
    N_LABELS,
    SPEAKER_SIZE,
    HeadSize,
    describe_population,
)

STEPS = 10
SIZE = HeadSize(heads=2, width=8, hidden=6)
RANDOM = np.random.default_rng(0)
STATES = (2 + 3 * RANDOM.standard_normal((70, STEPS, CHANNELS))).astype(np.float16)
LEVELS = np.full((70, STEPS), 5, np.float32)
POPULATION = describe_population(STATES, LEVELS)


def test_a_seed_gives_the_same_heads_and_each_head_is_different() -> None:
    one, again = (full.Network.new(POPULATION, SIZE, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.heads[0]["in/kernel"], again.heads[0]["in/kernel"])
    assert (one.heads[0]["in/kernel"] != one.heads[1]["in/kernel"]).numpy().any()
    assert len(one.variables) == SIZE.heads * len(one.heads[0]) + len(one.linear)


def test_logits_of_a_window_do_not_depend_on_the_batch() -> None:
    network = full.Network.new(POPULATION, SIZE, seed=0)
    logits = network.label_logits(STATES[:5], LEVELS[:5])
    assert logits.shape == (5, N_LABELS)
    alone = network.label_logits(STATES[3:4], LEVELS[3:4])
    np.testing.assert_allclose(alone, logits[3:4], atol=1e-4)


def test_padding_changes_no_logits() -> None:
    network = full.Network.new(POPULATION, SIZE, seed=0)
    levels = LEVELS[:1].copy()
    levels[:, 6:] = 0
    other = STATES[:1].copy()
    other[:, 6:] = 100
    np.testing.assert_allclose(
        network.label_logits(STATES[:1], levels), network.label_logits(other, levels), atol=1e-4
    )


def test_the_statistics_of_the_population_are_zero_on_average() -> None:
    statistics = full.statistics_of(STATES, LEVELS, POPULATION)
    assert statistics.shape == (len(STATES), SPEAKER_SIZE)
    np.testing.assert_allclose(statistics.mean(axis=0), 0, atol=0.01)
