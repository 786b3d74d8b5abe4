"""The voice detector: separates voices from noises by moments of the hidden states."""

from __future__ import annotations

import tensorflow as tf

from emotiond.models.training.networks.heads import masked_moments
from emotiond.models.training.networks.layers import Parameters, Tensor, gelu


def describe(states: Tensor, real: Tensor) -> Tensor:
    """Return mean and deviation over a window's real steps, ``(batch, 2 * channels)``."""
    return tf.concat(masked_moments(states, real), axis=1)


def detect(described: Tensor, parameters: Parameters) -> Tensor:
    """Return the logit of a voice, ``(batch, 1)``."""
    hidden = gelu(described @ parameters["in/kernel"] + parameters["in/bias"])
    return hidden @ parameters["out/kernel"] + parameters["out/bias"]
