"""Pooling heads and a linear one on the encoder, their average, and the speaker's statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.dsp.types import FloatArray
from emotiond.inference.card import LABELS
from emotiond.models.training.networks.encoder import CHANNELS
from emotiond.models.training.networks.layers import Parameters, Tensor, dense, gelu

N_LABELS = len(LABELS)
SPEAKER_SIZE = 2 * CHANNELS
"""Means, then logarithms of standard deviations."""

LOUD_RANGE = 3.5
"""Range of speech below the window's loudest band, in decades."""
_PADDING_LEVEL = 0.01
"""Decades above digital silence. A missing state has level 0."""
_QUERIES = 4
LINEAR_SCALE = 3.0
"""Factor of the linear head, which so learns faster than it would at the rate of the others."""
_EPSILON = 1e-4
MASKED = 1e4
"""Subtracted from scores of padding."""


@dataclass(frozen=True)
class HeadSize:
    """Size of the pooling heads."""

    heads: int = 3
    """Number of averaged heads, each with other initial values."""
    width: int = 160
    hidden: int = 192


@dataclass(frozen=True)
class Population:
    """Moments of the hidden states over all training windows, ``(CHANNELS,)`` each."""

    mean: npt.NDArray[np.float32]
    deviation: npt.NDArray[np.float32]
    log_deviation: npt.NDArray[np.float32]
    """Mean logarithm of the standard deviation within a window, after standardising."""


def masks(levels: Tensor) -> tuple[Tensor, Tensor]:
    """Return masks of the states of windows, ``(batch, states, 1)`` of 0 and 1 each.

    Args:
        levels: see ``encoder.encode_call``, ``(batch, states)``.

    Returns:
        The states with sound instead of padding, and the loud ones among them: within 35 dB of
        the window's loudest band.
    """
    levels = tf.expand_dims(levels, 2)
    loudest = tf.reduce_max(levels, axis=1, keepdims=True)
    real = tf.cast(levels > _PADDING_LEVEL, tf.float32)
    return real, real * tf.cast(levels > loudest - LOUD_RANGE, tf.float32)


def population_parameters(population: Population) -> Parameters:
    """Return the moments as constants of a graph."""
    return {
        "mean": tf.constant(population.mean),
        "scale": tf.constant(1 / population.deviation),
        "log_deviation": tf.constant(population.log_deviation),
    }


def standardise(states: Tensor, population: Parameters) -> Tensor:
    """Standardise hidden states with the moments of the population."""
    return (states - population["mean"]) * population["scale"]


def window_statistics(standard: Tensor, mask: Tensor, population: Parameters) -> Tensor:
    """Describe the states of a window where the mask is 1, ``(batch, SPEAKER_SIZE)``.

    0 is the population's average.
    """
    mean, deviation = masked_moments(standard, mask)
    log_deviation = tf.math.log(deviation) - population["log_deviation"]
    return tf.concat((mean, log_deviation), axis=1)


def adapt(standard: Tensor, speaker: Tensor) -> Tensor:
    """Remove the speaker's statistics; zeros change nothing."""
    shift, log_scale = tf.split(tf.expand_dims(speaker, 1), 2, axis=2)
    return (standard - shift) * tf.exp(-log_scale)


def masked_moments(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation where the mask is 1, ``(batch, channels)`` each."""
    share = mask / (tf.reduce_sum(mask, axis=1, keepdims=True) + _EPSILON)
    mean = tf.reduce_sum(x * share, axis=1, keepdims=True)
    variance = tf.reduce_sum(tf.square(x - mean) * share, axis=1)
    return tf.squeeze(mean, 1), tf.sqrt(variance + _EPSILON)


def pool(standard: Tensor, real: Tensor, head: Parameters, dropout: float) -> Tensor:
    """Project, attend with four learned queries, add standard deviations: ``(batch, pooled)``."""
    if dropout:  # whole channels, which also costs less than single values
        noise_shape = (tf.shape(standard)[0], 1, standard.shape[2])
        standard = tf.nn.dropout(standard, dropout, noise_shape)
    hidden = gelu(dense(standard, head["in/kernel"], head["in/bias"]))
    scores = dense(hidden, head["query/kernel"]) - (1 - real) * MASKED
    attention = tf.nn.softmax(tf.transpose(scores, (0, 2, 1)))
    attended = tf.reshape(tf.matmul(attention, hidden), (-1, _QUERIES * hidden.shape[2]))
    return tf.concat((attended, masked_moments(hidden, real)[1]), axis=1)


def classify(pooled: Tensor, head: Parameters, dropout: float) -> Tensor:
    """Return the label logits of a pooled window, ``(batch, 8)``."""
    hidden = gelu(_dropout(pooled, dropout) @ head["hidden/kernel"] + head["hidden/bias"])
    return _dropout(hidden, dropout) @ head["out/kernel"] + head["out/bias"]


def linear_logits(described: Tensor, linear: Parameters, dropout: float) -> Tensor:
    """Return the label logits of ``window_statistics``, ``(batch, 8)``."""
    return LINEAR_SCALE * (_dropout(described, dropout) @ linear["kernel"]) + linear["bias"]


def _dropout(x: Tensor, dropout: float) -> Tensor:
    return tf.nn.dropout(x, dropout) if dropout else x


def label_logits(
    adapted: Tensor,
    real: Tensor,
    heads: Sequence[Parameters],
    linear: Parameters,
    population: Parameters,
) -> Tensor:
    """Return the label logits, ``(batch, 8)``: half of the pooling heads, half of the linear one.

    Args:
        adapted: states of the windows, see :func:`adapt`.
        real: see :func:`masks`.
        heads: the pooling heads, whose mean is taken.
        linear: the linear head on mean and deviation of all states.
        population: the moments of the population.
    """
    pooled = [classify(pool(adapted, real, head, 0.0), head, 0.0) for head in heads]
    described = window_statistics(adapted, real, population)
    return (tf.add_n(pooled) / len(pooled) + linear_logits(described, linear, 0.0)) / 2


def new_head(
    size: HeadSize, random: np.random.Generator, channels: int = CHANNELS
) -> dict[str, npt.NDArray[np.float32]]:
    """Return random initial values of one head over ``channels`` channels."""
    pooled = (_QUERIES + 1) * size.width
    shapes = {
        "in": (channels, size.width),
        "query": (size.width, _QUERIES),
        "hidden": (pooled, size.hidden),
        "out": (size.hidden, N_LABELS),
    }
    head: dict[str, npt.NDArray[np.float32]] = {}
    for name, (width_in, width_out) in shapes.items():
        kernel = random.standard_normal((width_in, width_out)) * width_in**-0.5
        head[f"{name}/kernel"] = kernel.astype(np.float32)
        if name != "query":
            head[f"{name}/bias"] = np.zeros(width_out, np.float32)
    return head


def new_linear() -> dict[str, npt.NDArray[np.float32]]:
    """Return the linear head before training."""
    return {
        "kernel": np.zeros((SPEAKER_SIZE, N_LABELS), np.float32),
        "bias": np.zeros(N_LABELS, np.float32),
    }


def describe_population(states: npt.NDArray[np.float16], levels: FloatArray) -> Population:
    """Measure moments over the loud part of windows, ``(n, states, CHANNELS)``."""
    loud = masks(tf.constant(levels))[1].numpy()[:, :, 0] > 0
    active = np.concatenate([window[mask] for window, mask in zip(states, loud, strict=True)])
    mean = active.mean(axis=0, dtype=np.float32)
    deviation = active.std(axis=0, dtype=np.float32)
    logs = np.zeros_like(mean)
    for window, mask in zip(states, loud, strict=True):
        standard = (window[mask] - mean) / deviation
        logs += np.log(np.sqrt(standard.var(axis=0) + _EPSILON))
    return Population(mean, deviation, (logs / len(states)).astype(np.float32))
