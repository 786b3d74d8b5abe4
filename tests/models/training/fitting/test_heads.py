"""Heads learn from hidden states and resume from their checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

from emotiond.models.training.data.columns import Columns  # noqa: E402
from emotiond.models.training.data.sampling import VOICES, Sampler  # noqa: E402
from emotiond.models.training.fitting.heads import Trainer  # noqa: E402
from emotiond.models.training.fitting.optimizer import Schedule  # noqa: E402
from emotiond.models.training.networks.full import Network  # noqa: E402
from emotiond.models.training.networks.heads import (  # noqa: E402
    CHANNELS,
    SPEAKER_SIZE,
    HeadSize,
    describe_population,
)

STEPS = 6


def setting(columns: Columns) -> tuple[np.ndarray, np.ndarray, Sampler]:
    """States in which one channel shows the label, their masks, and a sampler."""
    random = np.random.default_rng(0)
    n = columns.label.size
    states = random.standard_normal((n, STEPS, CHANNELS)).astype(np.float16)
    states[:, :, 0] += (6 * columns.label[:, None]).astype(np.float16)
    statistics = np.zeros((n, SPEAKER_SIZE), np.float32)
    rows = np.flatnonzero(columns.label >= 0)
    sampler = Sampler(columns, rows, statistics, 16, VOICES, seed=0)
    return states, np.ones((n, STEPS, 1), np.float32), sampler


def trainer(
    states: np.ndarray, real: np.ndarray, folder: Path, steps: int
) -> tuple[Trainer, Network]:
    network = Network.new(describe_population(states, real), HeadSize(1, 8, 8), seed=0)
    return Trainer(network, Schedule(steps, rate=1e-2), folder), network


def test_a_label_that_the_states_show_is_learned(columns: Columns, tmp_path: Path) -> None:
    tf.random.set_seed(0)
    states, real, sampler = setting(columns)
    learner, _ = trainer(states, real, tmp_path, steps=40)
    learner.run(states, real, sampler, lambda: 0.25, "test")
    curves = learner.curves.arrays()
    assert curves["loss"][-10:].mean() < 0.7 * curves["loss"][:5].mean()
    assert curves["accuracy"][-10:].mean() > 0.8
    assert curves["held_out"][-1] == 0.25
    assert np.isnan(curves["held_out"][:-1]).all()


def test_a_finished_training_is_not_repeated(columns: Columns, tmp_path: Path) -> None:
    states, real, sampler = setting(columns)
    first, network = trainer(states, real, tmp_path, steps=3)
    first.run(states, real, sampler, lambda: 0.5, "test")

    def refuse() -> float:
        raise AssertionError

    again, restored = trainer(states, real, tmp_path, steps=3)
    again.run(states, real, sampler, refuse, "test")
    np.testing.assert_array_equal(again.curves.arrays()["loss"], first.curves.arrays()["loss"])
    np.testing.assert_allclose(
        restored.label_logits(states, real), network.label_logits(states, real), atol=1e-5
    )
