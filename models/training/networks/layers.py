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


def normalise(x: Tensor) -> Tensor:
    """Normalise over the last axis, epsilon 1e-5, without gain and offset."""
    centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
    return centred * tf.math.rsqrt(variance + 1e-5)


def gelu(x: Tensor) -> Tensor:
    """Gaussian error linear unit, tanh form."""
    return tf.nn.gelu(x, approximate=True)


def hard_swish(x: Tensor) -> Tensor:
    """A cheap relative of :func:`gelu`; Howard et al., *Searching for MobileNetV3* (2019)."""
    return x * tf.nn.relu6(x + 3.0) * (1 / 6)


def dense(x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    """``x @ kernel + bias`` over the last axis, as one matrix product.

    ``x`` has two or three dimensions. Only the first one may be unknown.
    """
    width_in, width_out = kernel.shape
    flat = x if len(x.shape) == 2 else tf.reshape(x, (-1, width_in))
    product = tf.matmul(flat, kernel)
    if bias is not None:
        product = product + bias
    return product if len(x.shape) == 2 else tf.reshape(product, (-1, x.shape[1], width_out))


def values(variables: Parameters) -> dict[str, np.ndarray[Any, Any]]:
    """Return the present values of trained parameters."""
    return {name: variable.numpy() for name, variable in variables.items()}


def constants(arrays: dict[str, np.ndarray[Any, Any]]) -> Parameters:
    """Return parameters as constants of a graph."""
    return {name: tf.constant(array) for name, array in arrays.items()}
