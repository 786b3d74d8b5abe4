"""Trains ``full``: the heads and the voice detector over the frozen encoder."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emotiond.dsp.types import FloatArray
from emotiond.models.training.data.sampling import VOICES, Sampler
from emotiond.models.training.fitting.curves import save_curves
from emotiond.models.training.fitting.expression import measure_expression
from emotiond.models.training.fitting.heads import Trainer
from emotiond.models.training.fitting.optimizer import Schedule
from emotiond.models.training.fitting.run import BATCH, Run
from emotiond.models.training.networks.detector import describe
from emotiond.models.training.networks.full import Network, statistics_of
from emotiond.models.training.networks.heads import HeadSize, describe_population, standardise
from emotiond.models.training.networks.layers import Tensor
from emotiond.models.training.networks.tflite import export_full

HEADS = Schedule(steps=1400, rate=1e-3)


def train_full(run: Run) -> bytes:
    """Train the heads and the voice detector, and export ``full``."""
    data = run.data
    network, statistics = train_network(run)
    expression = measure_expression(statistics, data.columns, run.rows)

    def describe_part(rows: npt.NDArray[np.int64]) -> Tensor:
        states = data.states[rows].astype(np.float32)
        return describe(standardise(states, network.moments), data.real[rows])

    return export_full(network, expression, run.detector(describe_part), run.settings.weights)


def train_network(run: Run) -> tuple[Network, FloatArray]:
    """Return the trained network, from checkpoints if possible, and all windows' statistics."""
    data, settings = run.data, run.settings
    spoken = data.spoken(run.rows)
    population = describe_population(data.states[spoken], data.loud[spoken])
    statistics = statistics_of(data.states, data.loud, population)
    network = Network.new(population, HeadSize(), settings.seed)
    trainer = Trainer(network, settings.scaled(HEADS), run.folder / "heads")
    sampler = Sampler(data.columns, run.rows, statistics, BATCH, VOICES, settings.seed)
    watch = run.accuracy_watch(run.watched, network.label_logits, data.states, data.real)
    trainer.run(data.states, data.real, sampler, watch, f"heads {run.folder.name}")
    save_curves(run.folder / "heads-curves.npz", [trainer.curves])
    return network, statistics
