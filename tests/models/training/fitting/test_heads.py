"""Heads learn from hidden states and resume from their checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")

from emotiond.models.training.data.examples import Streams  # noqa: E402
from emotiond.models.training.data.sampling import VOICES, Sampler  # noqa: E402
from emotiond.models.training.fitting.heads import Trainer  # noqa: E402
from emotiond.models.training.fitting.optimizer import Schedule  # noqa: E402
from emotiond.models.training.fitting.run import Windows  # noqa: E402
from emotiond.models.training.networks.full import Network  # noqa: E402
from emotiond.models.training.networks.heads import (  # noqa: E402
    SPEAKER_SIZE,
    HeadSize,
    describe_population,
)


@pytest.fixture
def windows(streams: Streams) -> Windows:
    """States in which some channels show the label."""
    for row, label in enumerate(streams.columns.label.tolist()):
        streams.states[streams.first_state[row] : streams.end_state[row], :8] += 3 * label
    return Windows(streams)


def sampler(windows: Windows) -> Sampler:
    rows = np.flatnonzero(windows.columns.label >= 0)
    statistics = np.zeros((rows.size, SPEAKER_SIZE), np.float32)
    return Sampler(windows.columns, rows, rows, statistics, 16, VOICES, seed=0)


def trainer(windows: Windows, folder: Path, steps: int) -> tuple[Trainer, Network]:
    rows = np.arange(20)
    population = describe_population(windows.states(rows), windows.levels(rows))
    network = Network.new(population, HeadSize(1, 8, 8), seed=0)
    return Trainer(network, Schedule(steps, rate=1e-2), folder), network


def test_a_label_that_the_states_show_is_learned(windows: Windows, tmp_path: Path) -> None:
    tf.random.set_seed(0)
    learner, _ = trainer(windows, tmp_path, steps=40)
    learner.run(windows, sampler(windows), lambda: 0.25, "test")
    curves = learner.curves.arrays()
    assert curves["loss"][-10:].mean() < 0.7 * curves["loss"][:5].mean()
    assert curves["accuracy"][-10:].mean() > 0.7  # some mixtures show another label more
    assert curves["held_out"][-1] == 0.25
    assert np.isnan(curves["held_out"][:-1]).all()


def test_a_finished_training_is_not_repeated(windows: Windows, tmp_path: Path) -> None:
    first, network = trainer(windows, tmp_path, steps=3)
    first.run(windows, sampler(windows), lambda: 0.5, "test")

    def refuse() -> float:
        raise AssertionError

    again, restored = trainer(windows, tmp_path, steps=3)
    again.run(windows, sampler(windows), refuse, "test")
    np.testing.assert_array_equal(again.curves.arrays()["loss"], first.curves.arrays()["loss"])
    shown = windows.states(np.arange(5)), windows.levels(np.arange(5))
    np.testing.assert_allclose(
        restored.label_logits(*shown), network.label_logits(*shown), atol=1e-5
    )
