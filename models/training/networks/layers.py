"""Layers of both networks, and their parameters."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf

Tensor: TypeAlias = Any
"""A TensorFlow tensor or variable; TensorFlow ships no types."""
Parameters: TypeAlias = dict[str, Tensor]

Arrays: TypeAlias = dict[str, npt.NDArray[np.float32]]
"""Parameters by name, before they are part of a graph."""


def attend(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Scaled dot-product attention of one head, ``(batch, tokens, width)`` each."""
    return tf.matmul(tf.nn.softmax(tf.matmul(query * scale, key, transpose_b=True)), value)


def layer_norm(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """Normalise over the last axis, epsilon 1e-5."""
    centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
    return centred * tf.math.rsqrt(variance + 1e-5) * gamma + beta


def gelu(x: Tensor) -> Tensor:
    """Gaussian error linear unit, tanh form."""
    return tf.nn.gelu(x, approximate=True)


def linear(x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    """``x @ kernel + bias`` over the last axis of a tensor of rank 3, as one matrix product."""
    width_in, width_out = kernel.shape
    flat = tf.matmul(tf.reshape(x, (-1, width_in)), kernel)
    if bias is not None:
        flat = flat + bias
    return tf.reshape(flat, (-1, x.shape[1], width_out))


def values(variables: Parameters) -> dict[str, np.ndarray[Any, Any]]:
    """Return the present values of trained parameters."""
    return {name: variable.numpy() for name, variable in variables.items()}


def constants(arrays: dict[str, np.ndarray[Any, Any]]) -> Parameters:
    """Return parameters as constants of a graph."""
    return {name: tf.constant(array) for name, array in arrays.items()}
