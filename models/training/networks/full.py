"""The network of `full` above the encoder."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.dsp.types import FloatArray
from emotiond.models.training.networks.encoder import log_mel, masks
from emotiond.models.training.networks.heads import (
    SPEAKER_SIZE,
    HeadSize,
    Population,
    label_logits,
    new_head,
    population_parameters,
    standardise,
    window_statistics,
)
from emotiond.models.training.networks.layers import Parameters, Tensor


@dataclass(frozen=True)
class Network:
    """The trained heads, and the population that standardises hidden states."""

    population: Population
    heads: list[Parameters]

    @classmethod
    def new(cls, population: Population, size: HeadSize, seed: int) -> Network:
        """Return a network with random heads."""
        random = np.random.default_rng(seed)
        heads = [
            {name: tf.Variable(array) for name, array in new_head(size, random).items()}
            for _ in range(size.heads)
        ]
        return cls(population, heads)

    @property
    def variables(self) -> list[Tensor]:
        """The variables of all heads."""
        return [variable for head in self.heads for variable in head.values()]

    @functools.cached_property
    def moments(self) -> Parameters:
        """The moments of the population, as constants of a graph."""
        with tf.init_scope():  # not in the graph of the first caller
            return population_parameters(self.population)

    def label_logits(self, states: npt.NDArray[np.float16], real: FloatArray) -> FloatArray:
        """Return the label logits of windows without speaker statistics, ``(n, 8)``."""
        standard = standardise(tf.cast(states, tf.float32), self.moments)
        scores: FloatArray = label_logits(
            standard, real, tf.zeros((1, SPEAKER_SIZE)), self.heads
        ).numpy()
        return scores


def masks_of(features: npt.NDArray[np.float32]) -> tuple[FloatArray, FloatArray]:
    """Compute ``encoder.masks`` of many windows."""
    parts = [masks(log_mel(tf.constant(part))) for part in _chunks(features)]
    real, loud = zip(*parts, strict=True)
    return np.concatenate(real), np.concatenate(loud)


def statistics_of(
    states: npt.NDArray[np.float16], loud: FloatArray, population: Population
) -> FloatArray:
    """Compute ``heads.window_statistics`` of many windows."""
    constants = population_parameters(population)
    rows = [
        window_statistics(standardise(tf.cast(part, tf.float32), constants), mask, constants)
        for part, mask in zip(_chunks(states), _chunks(loud), strict=True)
    ]
    return np.concatenate(rows)


def _chunks(array: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    return [array[i : i + 64] for i in range(0, len(array), 64)]
