"""The lower blocks of Whisper's encoder as a stream: each frame is encoded once.

Radford et al., *Robust Speech Recognition via Large-Scale Weak Supervision* (2022). These things
differ. The input is the orthonormal DCT of the log-mel spectrum, which the graph inverts first.
GELU has the tanh form, for which TensorFlow Lite has an operator. Attention is block-causal: a
token sees the tokens of its own call, and :data:`CONTEXT_TOKENS` before them. The spectrum is
clamped below the loudest band since the onset of speech, not below that of a window. A convolution
at the onset sees the frames before it, not zeros.

Gains and offsets of the norms, and the scale of the queries, are folded into the next layer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from emotiond.dsp.mfcc import dct_matrix
from emotiond.dsp.types import FloatArray
from emotiond.models.training.common.model_input import (
    CONTEXT_TOKENS,
    POSITIONS,
    RECIPE,
    TOKENS_PER_STATE,
)
from emotiond.models.training.common.model_input import FULL_ENCODER as SHAPE
from emotiond.models.training.networks.layers import (
    Arrays,
    Parameters,
    Tensor,
    dense,
    gelu,
    normalise,
)
from emotiond.models.training.networks.whisper import Weights

BLOCKS = 3
"""Blocks in use, of Whisper's four."""
OUTPUT_BLOCKS = 2
"""The last blocks, whose concatenated outputs are the states."""
WIDTH = 384
HEADS = 6
_HEAD_WIDTH = WIDTH // HEADS
CHANNELS = OUTPUT_BLOCKS * WIDTH
"""Values of a state."""
_TOKENS = SHAPE.states_per_call * TOKENS_PER_STATE

_INVERSE_PIECES = 8
PADDING_LEVEL = -9.99
"""log10 power. Digital silence is −10 in every band."""
LEVEL_OFFSET = 10.0
"""Added to levels, so that digital silence, and a state that is missing, has level 0."""
DYNAMIC_RANGE = 8.0
"""Range of Whisper's features below the loudest band, in decades."""
_MASKED = 1e4
_LONGEST_WAVELENGTH = 10_000.0


def log_mel(features: Tensor, pieces: int = _INVERSE_PIECES) -> Tensor:
    """Invert the DCT: ``(…, 80)`` coefficients to log10 mel powers.

    Args:
        features: coefficients of frames.
        pieces: number of matrix products. Many are too small for the converter to quantise to int8,
            since levels must stay exact.
    """
    inverse = dct_matrix(RECIPE.n_mels, RECIPE.n_mfcc).T.astype(np.float32)
    parts = np.array_split(inverse, pieces, axis=1)
    return tf.concat([dense(features, tf.constant(part)) for part in parts], axis=-1)


def encode_call(
    features: Tensor, position: Tensor, count: Tensor, past: Parameters, parameters: Parameters
) -> dict[str, Tensor]:
    """Encode the frames of one call; see :mod:`emotiond.inference.encoding`.

    Args:
        features: ``(1, SHAPE.frames_per_call, n_mfcc)``.
        position: states since the onset of speech, ``(1, 1)``.
        count: valid states of this call, ``(1, 1)``.
        past: ``ring_0`` and so on, the keys and values of each block,
            ``(2 * HEADS, CONTEXT_TOKENS, width)``, and ``hold_loudest``, ``(1, 1)``.
        parameters: see :func:`encoder_parameters`.

    Returns:
        ``states``, ``(1, states_per_call, CHANNELS)``; ``levels``, ``(1, states_per_call)``, the
        loudest band of each state in decades above digital silence; and the new past.
    """
    mel = log_mel(tf.reshape(features, (SHAPE.frames_per_call, RECIPE.n_mfcc)))
    level = tf.reduce_max(mel, axis=1, keepdims=True) + LEVEL_OFFSET
    frames = tf.range(float(SHAPE.frames_per_call))[:, None]
    margin = SHAPE.look_back_frames + SHAPE.look_ahead_frames
    valid = tf.cast(frames < SHAPE.frames_per_state * count + margin, tf.float32)
    loudest = tf.maximum(past["hold_loudest"], tf.reduce_max(level * valid, axis=0, keepdims=True))
    hidden = stem(whisper_input(mel, loudest - LEVEL_OFFSET), parameters)
    hidden = hidden + _positions(TOKENS_PER_STATE * position)
    rows = tf.range(float(CONTEXT_TOKENS))[None, None]
    tokens = tf.range(float(_TOKENS))[None, None]
    hide = tf.concat(
        (
            tf.cast(rows >= TOKENS_PER_STATE * position, tf.float32),
            tf.cast(tokens >= TOKENS_PER_STATE * count, tf.float32),
        ),
        axis=2,
    )
    new: dict[str, Tensor] = {"hold_loudest": loudest}
    outputs = []
    for number in range(BLOCKS):
        ring = past[f"ring_{number}"]

        def attend(joined: Tensor, ring: Tensor = ring, name: str = f"ring_{number}") -> Tensor:
            heads = tf.transpose(tf.reshape(joined, (_TOKENS, 3 * HEADS, _HEAD_WIDTH)), (1, 0, 2))
            new[name] = tf.slice(heads, (HEADS, 0, 0), (2 * HEADS, -1, -1))
            query = tf.slice(heads, (0, 0, 0), (HEADS, -1, -1))
            seen = tf.concat((ring, new[name]), axis=1)
            key = tf.slice(seen, (0, 0, 0), (HEADS, -1, -1))
            value = tf.slice(seen, (HEADS, 0, 0), (HEADS, -1, -1))
            scores = tf.matmul(query, key, transpose_b=True) - _MASKED * hide
            mixed = tf.matmul(tf.nn.softmax(scores), value)
            return tf.reshape(tf.transpose(mixed, (1, 0, 2)), (_TOKENS, WIDTH))

        hidden = block(hidden, parameters, number, attend)
        outputs.append(hidden)
    shape = (1, SHAPE.states_per_call, TOKENS_PER_STATE, CHANNELS)
    inner = (SHAPE.states_per_call * SHAPE.frames_per_state, 1)
    levels = tf.reshape(
        tf.slice(level, (SHAPE.look_back_frames, 0), inner),
        (1, SHAPE.states_per_call, SHAPE.frames_per_state),
    )
    return {
        "states": tf.reduce_mean(
            tf.reshape(tf.concat(outputs[-OUTPUT_BLOCKS:], axis=1), shape), axis=2
        ),
        "levels": tf.reduce_max(levels, axis=2),
        **new,
    }


def past_shapes() -> dict[str, tuple[int, ...]]:
    """Return the shapes of the arrays that hold the encoder's past."""
    ring = (2 * HEADS, CONTEXT_TOKENS, _HEAD_WIDTH)
    return {**{f"ring_{number}": ring for number in range(BLOCKS)}, "hold_loudest": (1, 1)}


def whisper_input(mel: Tensor, loudest: Tensor) -> Tensor:
    """Clamp to 8 decades below the loudest band and scale, as Whisper was trained."""
    return (tf.maximum(mel, loudest - DYNAMIC_RANGE) + 4.0) / 4.0


def stem(mel: Tensor, parameters: Parameters) -> Tensor:
    """Apply the two convolutions: ``(…, 2 * tokens + 3, 80)`` to ``(…, tokens, WIDTH)``."""
    frames = mel.shape[-2]
    taps = tf.concat([_frames(mel, first, frames - 2) for first in range(3)], axis=-1)
    hidden = gelu(dense(taps, parameters["conv1/kernel"], parameters["conv1/bias"]))
    # The second one has a stride of two: its three inputs are a pair and the next one.
    pairs = _pairs(_frames(hidden, 0, frames - 3))
    next_ones = _pairs(_frames(hidden, 1, frames - 3))
    taps = tf.concat((pairs, _channels(next_ones, WIDTH, WIDTH)), axis=-1)
    return gelu(dense(taps, parameters["conv2/kernel"], parameters["conv2/bias"]))


def block(
    hidden: Tensor, parameters: Parameters, number: int, attend: Callable[[Tensor], Tensor]
) -> Tensor:
    """Apply one pre-norm transformer block to ``(…, tokens, WIDTH)``.

    Args:
        hidden: the tokens.
        parameters: those of the encoder.
        number: of the block.
        attend: takes queries, keys and values side by side, and returns mixed values.

    The matrix products have the type of the parameters.
    """
    dtype = parameters[f"{number}/mlp_in/kernel"].dtype

    def layer(x: Tensor, name: str) -> Tensor:
        name = f"{number}/{name}"
        return dense(tf.cast(x, dtype), parameters[f"{name}/kernel"], parameters[f"{name}/bias"])

    # Sums and norms stay in float32.
    mixed = attend(layer(normalise(hidden), "attn_qkv"))
    hidden = hidden + tf.cast(layer(mixed, "attn_out"), tf.float32)
    widened = gelu(layer(normalise(hidden), "mlp_in"))
    return hidden + tf.cast(layer(widened, "mlp_out"), tf.float32)


def encode_streams(
    mel: Tensor,
    loudest: Tensor,
    positions: Tensor,
    mask: Tensor,
    parameters: Parameters,
    dtype: Any,
) -> list[Tensor]:
    """Encode whole speeches at once, for training: the same tokens as call by call.

    Here, a frame has one clamp. In a stream, a frame at the border of two calls is clamped by
    each of them, so that tokens beside it differ slightly where the loudest band rises.

    Args:
        mel: log10 mel powers, ``(batch, 2 * tokens + 3, 80)``.
        loudest: the loudest band, which sets the clamp, for each frame: ``(batch, frames, 1)``.
        positions: ``(batch, tokens, WIDTH)``, see :func:`position_table`.
        mask: which tokens each token sees, ``(batch, tokens, tokens)`` of 0 and 1.
        parameters: see :func:`encoder_parameters`.
        dtype: type of the matrix products.

    Returns:
        The tokens after the last :data:`OUTPUT_BLOCKS` blocks, ``(batch, tokens, WIDTH)`` each.
    """
    cast = {name: tf.cast(value, dtype) for name, value in parameters.items()}
    hidden = (
        tf.cast(stem(tf.cast(whisper_input(mel, loudest), dtype), cast), tf.float32) + positions
    )
    tokens = hidden.shape[1]
    hide = tf.cast(_MASKED * (1 - mask), tf.float32)[:, None]

    def attend(joined: Tensor) -> Tensor:
        split = tf.reshape(joined, (-1, tokens, 3, HEADS, _HEAD_WIDTH))
        query, key, value = tf.unstack(tf.transpose(split, (2, 0, 3, 1, 4)))
        scores = tf.cast(tf.matmul(query, key, transpose_b=True), tf.float32) - hide
        mixed = tf.matmul(tf.cast(tf.nn.softmax(scores), dtype), value)
        return tf.reshape(tf.transpose(mixed, (0, 2, 1, 3)), (-1, tokens, WIDTH))

    outputs = []
    for number in range(BLOCKS):
        hidden = block(hidden, cast, number, attend)
        outputs.append(hidden)
    return outputs[-OUTPUT_BLOCKS:]


def position_table() -> FloatArray:
    """Return Whisper's sinusoids, ``(POSITIONS, WIDTH)``: sines, then cosines."""
    angles = np.arange(POSITIONS)[:, None] * _frequencies()[None]
    table: FloatArray = np.concatenate((np.sin(angles), np.cos(angles)), axis=1).astype(np.float32)
    return table


def encoder_parameters(weights: Weights) -> Arrays:
    """Return the arrays of the encoder from Whisper's, with folded gains and stacked taps."""
    arrays: Arrays = {}
    for name in ("conv1", "conv2"):
        kernel = weights[f"{name}/weight"]
        arrays[f"{name}/kernel"] = kernel.transpose(2, 1, 0).reshape(-1, kernel.shape[0])
        arrays[f"{name}/bias"] = weights[f"{name}/bias"]
    for number in range(BLOCKS):
        for norm, layer in (("attn_norm", "attn_qkv"), ("mlp_norm", "mlp_in")):
            prefix = f"layer_{number}"
            kernel = weights[f"{prefix}/{layer}/weight"].T
            bias = weights[f"{prefix}/{layer}/bias"] + weights[f"{prefix}/{norm}/beta"] @ kernel
            kernel = weights[f"{prefix}/{norm}/gamma"][:, None] * kernel
            if layer == "attn_qkv":
                scale = np.ones(3 * WIDTH, np.float32)
                scale[:WIDTH] = _HEAD_WIDTH**-0.5
                kernel, bias = kernel * scale, bias * scale
            arrays[f"{number}/{layer}/kernel"] = np.ascontiguousarray(kernel)
            arrays[f"{number}/{layer}/bias"] = bias
        for layer in ("attn_out", "mlp_out"):
            kernel = weights[f"layer_{number}/{layer}/weight"].T
            arrays[f"{number}/{layer}/kernel"] = np.ascontiguousarray(kernel)
            arrays[f"{number}/{layer}/bias"] = weights[f"layer_{number}/{layer}/bias"]
    return arrays


def _positions(first: Tensor) -> Tensor:
    """Return the sinusoids of the tokens of a call, ``(_TOKENS, WIDTH)``.

    They follow from the sines of the first position, by the sums of angles. Only the first one
    begins anew at :data:`POSITIONS`; the others of its call go on beyond the end of the table.
    """
    steps = np.arange(_TOKENS)[:, None] * _frequencies()[None]
    sine, cosine = np.sin(steps).astype(np.float32), np.cos(steps).astype(np.float32)
    angle = tf.math.floormod(first, float(POSITIONS)) * _frequencies()[None].astype(np.float32)
    first_sine, first_cosine = tf.sin(angle), tf.cos(angle)
    return tf.concat(
        (
            first_sine * cosine + first_cosine * sine,
            first_cosine * cosine - first_sine * sine,
        ),
        axis=1,
    )


def _frequencies() -> FloatArray:
    """Return the angle per position of each sine, ``(WIDTH / 2,)``."""
    octaves = np.arange(WIDTH // 2) / (WIDTH // 2 - 1)
    frequencies: FloatArray = _LONGEST_WAVELENGTH**-octaves
    return frequencies


def _frames(x: Tensor, first: int, length: int) -> Tensor:
    """Return ``length`` frames of ``(…, frames, width)``."""
    # tf.slice, not indexing: its operator is one that interpreters hand to XNNPACK
    begin = [0] * (x.shape.rank - 2) + [first, 0]
    size = [-1] * (x.shape.rank - 2) + [length, -1]
    return tf.slice(x, begin, size)


def _channels(x: Tensor, first: int, length: int) -> Tensor:
    begin = [0] * (x.shape.rank - 1) + [first]
    return tf.slice(x, begin, [-1] * (x.shape.rank - 1) + [length])


def _pairs(x: Tensor) -> Tensor:
    """Join pairs of frames, with twice the channels."""
    frames, width = x.shape[-2], x.shape[-1]
    outer = (-1,) if x.shape.rank == 3 else ()
    return tf.reshape(x, (*outer, frames // 2, 2 * width))
