"""The voice detector: separates voices from noises by moments of the hidden states."""

from __future__ import annotations

import tensorflow as tf

from emotiond.models.training.networks.heads import MASKED, masked_moments
from emotiond.models.training.networks.layers import Parameters, Tensor, gelu


def describe(states: Tensor, real: Tensor) -> Tensor:
    """Return mean, deviation and maximum over a window's real steps, ``(batch, 3 * channels)``."""
    mean, deviation = masked_moments(states, real)
    highest = tf.reduce_max(states - (1 - real) * MASKED, axis=1)
    return tf.concat((mean, deviation, highest), axis=1)


def detect(described: Tensor, parameters: Parameters) -> Tensor:
    """Return the logit of a voice, ``(batch, 1)``."""
    hidden = gelu(described @ parameters["in/kernel"] + parameters["in/bias"])
    return hidden @ parameters["out/kernel"] + parameters["out/bias"]
