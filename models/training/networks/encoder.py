"""The lower blocks of Whisper's encoder, on MFCC windows, as TensorFlow operations.

Radford et al., *Robust Speech Recognition via Large-Scale Weak Supervision* (2022). Two
things differ. The input is the orthonormal DCT of the log-mel spectrum, which the graph inverts
first. GELU has the tanh form, since TensorFlow Lite has an operator for it.

The first dimension, the batch, stays variable in the exported graph.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from emotiond.dsp.mfcc import dct_matrix
from emotiond.models.training.common.model_input import RECIPE
from emotiond.models.training.networks.layers import (
    Parameters,
    Tensor,
    attend,
    gelu,
    layer_norm,
    linear,
)
from emotiond.models.training.networks.whisper import Weights

WIDTH = 384
HEADS = 6
_HEAD_WIDTH = WIDTH // HEADS
_INVERSE_PIECES = 8
PADDING_LEVEL = -9.99
"""log10 power. Windows are padded with digital silence, which is −10 in every band."""
LOUD_RANGE = 3.5
"""Range of speech below the window's loudest band, in decades."""
_DYNAMIC_RANGE = 8.0
"""Range of Whisper's features below the window's loudest band, in decades."""


def log_mel(features: Tensor) -> Tensor:
    """Invert the DCT: ``(batch, frames, 80)`` coefficients to log10 mel powers."""
    inverse = dct_matrix(RECIPE.n_mels, RECIPE.n_mfcc).T.astype(np.float32)
    # in pieces too small for the converter to quantise: levels must stay exact
    pieces = np.array_split(inverse, _INVERSE_PIECES, axis=1)
    return tf.concat([linear(features, tf.constant(piece)) for piece in pieces], axis=2)


def masks(mel: Tensor) -> tuple[Tensor, Tensor]:
    """Return masks of groups of four frames (40 ms), ``(batch, frames / 4, 1)`` of 0 and 1.

    Returns:
        The groups with sound instead of padding, and the loud ones among them: within 35 dB of
        the window's loudest band.
    """
    level = tf.reduce_max(mel, axis=2, keepdims=True)
    groups = tf.maximum(
        tf.maximum(level[:, 0::4], level[:, 1::4]), tf.maximum(level[:, 2::4], level[:, 3::4])
    )
    loudest = tf.reduce_max(groups, axis=1, keepdims=True)
    real = tf.cast(groups > PADDING_LEVEL, tf.float32)
    return real, real * tf.cast(groups > loudest - LOUD_RANGE, tf.float32)


def whisper_input(mel: Tensor) -> Tensor:
    """Clamp to 8 decades below the window's maximum and scale, as Whisper was trained."""
    floor = tf.reduce_max(mel, axis=(1, 2), keepdims=True) - _DYNAMIC_RANGE
    return (tf.maximum(mel, floor) + 4.0) / 4.0


def stem(mel: Tensor, parameters: Parameters) -> Tensor:
    """The two convolutions and the positions: ``(batch, frames, 80)`` to tokens."""
    hidden = gelu(linear(_taps(mel), parameters["conv1/kernel"], parameters["conv1/bias"]))
    # The second one has a stride of two: its three inputs are a pair and the step before.
    pairs = tf.reshape(hidden, (-1, mel.shape[1] // 2, 2 * WIDTH))
    before = tf.slice(
        tf.pad(pairs, ((0, 0), (1, 0), (0, 0))), (0, 0, WIDTH), (-1, pairs.shape[1], -1)
    )
    taps = tf.ensure_shape(tf.concat((before, pairs), axis=2), (None, pairs.shape[1], 3 * WIDTH))
    hidden = gelu(linear(taps, parameters["conv2/kernel"], parameters["conv2/bias"]))
    return hidden + parameters["positions"]


def _taps(x: Tensor) -> Tensor:
    """Return each step with its neighbours, the input of a convolution of width 3."""
    length, channels = x.shape[1], x.shape[2]
    padded = tf.pad(x, ((0, 0), (1, 1), (0, 0)))
    # tf.slice, not indexing: its operator is one that interpreters hand to XNNPACK
    taps = [tf.slice(padded, (0, k, 0), (-1, length, -1)) for k in range(3)]
    return tf.ensure_shape(tf.concat(taps, axis=2), (None, length, 3 * channels))


def block(hidden: Tensor, parameters: Parameters) -> Tensor:
    """One pre-norm transformer block over ``(batch, tokens, 384)``."""

    def dense(x: Tensor, name: str) -> Tensor:
        return linear(x, parameters[f"{name}/kernel"], parameters[f"{name}/bias"])

    normed = layer_norm(hidden, parameters["attn_norm/gamma"], parameters["attn_norm/beta"])
    heads = tf.split(dense(normed, "attn_qkv"), 3 * HEADS, axis=2)
    mixed = [
        attend(heads[h], heads[HEADS + h], heads[2 * HEADS + h], _HEAD_WIDTH**-0.5)
        for h in range(HEADS)
    ]
    hidden = hidden + dense(tf.concat(mixed, axis=2), "attn_out")
    normed = layer_norm(hidden, parameters["mlp_norm/gamma"], parameters["mlp_norm/beta"])
    return hidden + dense(gelu(dense(normed, "mlp_in")), "mlp_out")


def stem_parameters(weights: Weights, window_frames: int) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays for :func:`stem`, with taps stacked over the input channels."""
    arrays = {"positions": weights["positions"][: window_frames // 2]}
    for name in ("conv1", "conv2"):
        kernel = weights[f"{name}/weight"]
        arrays[f"{name}/kernel"] = kernel.transpose(2, 1, 0).reshape(-1, kernel.shape[0])
        arrays[f"{name}/bias"] = weights[f"{name}/bias"]
    return arrays


def block_parameters(weights: Weights, layer: int) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays for :func:`block` of one layer."""
    arrays = {}
    for name in ("attn_norm", "mlp_norm"):
        for part in ("gamma", "beta"):
            arrays[f"{name}/{part}"] = weights[f"layer_{layer}/{name}/{part}"]
    for name in ("attn_qkv", "attn_out", "mlp_in", "mlp_out"):
        arrays[f"{name}/kernel"] = np.ascontiguousarray(weights[f"layer_{layer}/{name}/weight"].T)
        arrays[f"{name}/bias"] = weights[f"layer_{layer}/{name}/bias"]
    return arrays
