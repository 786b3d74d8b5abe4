"""The network of `full` above the encoder."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.dsp.types import FloatArray
from emotiond.models.training.networks.heads import (
    HeadSize,
    Population,
    label_logits,
    masks,
    new_head,
    new_linear,
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
    linear: Parameters

    @classmethod
    def new(cls, population: Population, size: HeadSize, seed: int) -> Network:
        """Return a network with random heads."""
        random = np.random.default_rng(seed)
        heads = [
            {name: tf.Variable(array) for name, array in new_head(size, random).items()}
            for _ in range(size.heads)
        ]
        linear = {name: tf.Variable(array) for name, array in new_linear().items()}
        return cls(population, heads, linear)

    @property
    def variables(self) -> list[Tensor]:
        """The variables of all heads."""
        return [variable for head in (*self.heads, self.linear) for variable in head.values()]

    @functools.cached_property
    def moments(self) -> Parameters:
        """The moments of the population, as constants of a graph."""
        with tf.init_scope():  # not in the graph of the first caller
            return population_parameters(self.population)

    def label_logits(self, states: npt.NDArray[np.float16], levels: FloatArray) -> FloatArray:
        """Return the label logits of windows without speaker statistics, ``(n, 8)``."""
        scores: FloatArray = self._infer(states.astype(np.float32), levels).numpy()
        return scores

    @functools.cached_property
    def _infer(self) -> Tensor:
        """The graph of :meth:`label_logits`, much faster than operator by operator."""

        def infer(states: Tensor, levels: Tensor) -> Tensor:
            real, _ = masks(levels)
            standard = standardise(states, self.moments)
            return label_logits(standard, real, self.heads, self.linear, self.moments)

        return tf.function(infer, autograph=False, reduce_retracing=True)


def statistics_of(
    states: npt.NDArray[np.float16], levels: FloatArray, population: Population
) -> FloatArray:
    """Compute ``heads.window_statistics`` of some windows."""
    moments = population_parameters(population)
    standard = standardise(tf.cast(states, tf.float32), moments)
    statistics: FloatArray = window_statistics(
        standard, masks(tf.constant(levels))[1], moments
    ).numpy()
    return statistics
