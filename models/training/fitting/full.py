"""Trains ``full``: the heads and the voice detector over the frozen encoder."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.dsp.types import FloatArray
from emotiond.models.training.data.sampling import VOICES, Sampler
from emotiond.models.training.fitting.curves import save_curves
from emotiond.models.training.fitting.expression import measure_expression
from emotiond.models.training.fitting.heads import Trainer
from emotiond.models.training.fitting.optimizer import Schedule
from emotiond.models.training.fitting.run import BATCH, Run, Windows, parts_of
from emotiond.models.training.networks.detector import describe
from emotiond.models.training.networks.full import Network, statistics_of
from emotiond.models.training.networks.heads import (
    HeadSize,
    Population,
    describe_population,
    masks,
    standardise,
)
from emotiond.models.training.networks.layers import Tensor
from emotiond.models.training.networks.tflite import export_full

HEADS = Schedule(steps=1400, rate=1e-3)


def train_full(run: Run) -> bytes:
    """Train the heads and the voice detector, and export ``full``."""
    data = run.data
    network, statistics = train_network(run)
    expression = measure_expression(statistics, data.columns.take(run.measured))

    def describe_part(rows: npt.NDArray[np.int64]) -> Tensor:
        states = data.states(rows).astype(np.float32)
        real, _ = masks(tf.constant(data.levels(rows)))
        return describe(standardise(states, network.moments), real)

    return export_full(network, expression, run.detector(describe_part), run.settings.encoder)


def train_network(run: Run) -> tuple[Network, FloatArray]:
    """Return the trained network, from checkpoints if possible.

    Returns:
        The network, and the statistics of the windows ``run.measured``.
    """
    data = run.data
    spoken = data.few_spoken(run.measured)
    population = describe_population(data.states(spoken), data.levels(spoken))
    statistics = measured_statistics(data, run.measured, population)
    network = Network.new(population, HeadSize(), run.settings.seed)
    fit_heads(run, network, statistics, HEADS, VOICES)
    return network, statistics


def measured_statistics(
    data: Windows, rows: npt.NDArray[np.int64], population: Population
) -> FloatArray:
    """Compute the statistics of windows, ``(n, SPEAKER_SIZE)``."""
    parts = [
        statistics_of(data.states(part), data.levels(part), population) for part in parts_of(rows)
    ]
    return np.concatenate(parts)


def fit_heads(
    run: Run,
    network: Network,
    statistics: FloatArray,
    schedule: Schedule,
    shares: Mapping[str, float],
) -> None:
    """Train the heads of a network, from checkpoints if possible.

    Args:
        run: the run.
        network: changes in place.
        statistics: those of the windows ``run.measured``.
        schedule: number of steps before scaling, and rate.
        shares: shares of the corpora in a batch.
    """
    data, settings = run.data, run.settings
    trainer = Trainer(network, settings.scaled(schedule), run.folder / "heads")
    sampler = Sampler(
        data.columns, run.rows, run.measured, statistics, BATCH, shares, settings.seed
    )

    def predict(rows: npt.NDArray[np.int64]) -> FloatArray:
        return network.label_logits(data.states(rows), data.levels(rows))

    watch = run.accuracy_watch(run.watched, predict)
    trainer.run(data, sampler, watch, f"heads {run.folder.name}")
    save_curves(run.folder / "heads-curves.npz", [trainer.curves])
