"""Runs the encoder, which is never trained, in the arithmetic of the exported model.

Its blocks use the same dynamic-range int8 operations as the exported model, so that the heads are
trained with their rounding. On one core this is also faster than TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from emotiond.models.training.common.model_input import RECIPE
from emotiond.models.training.networks.encoder import (
    WIDTH,
    block,
    block_parameters,
    log_mel,
    stem,
    stem_parameters,
    whisper_input,
)
from emotiond.models.training.networks.heads import CHANNELS
from emotiond.models.training.networks.layers import Parameters, Tensor, constants
from emotiond.models.training.networks.whisper import Weights

BLOCKS = 3
"""Blocks in use, of Whisper's four."""

OUTPUT_BLOCKS = CHANNELS // WIDTH
"""The last blocks, whose concatenated outputs are the input of the heads."""


def encoder_states(features: Tensor, lower: Parameters, blocks: Sequence[Parameters]) -> Tensor:
    """Return the input of the heads, in steps of 40 ms: ``(batch, window_frames / 4, CHANNELS)``.

    Args:
        features: MFCC windows, ``(batch, window_frames, n_mfcc)``.
        lower: parameters of ``encoder.stem``.
        blocks: parameters of :data:`BLOCKS` blocks, see ``encoder.block``.
    """
    tokens, outputs = stem(whisper_input(log_mel(features)), lower), []
    for parameters in blocks:
        tokens = block(tokens, parameters)
        outputs.append(tokens)
    return _pair_means(tf.concat(outputs[-OUTPUT_BLOCKS:], axis=2))


def encoder_parameters(weights: Weights, window_frames: int) -> tuple[Parameters, list[Parameters]]:
    """Return the parameters for :func:`encoder_states`."""
    blocks = [constants(block_parameters(weights, layer)) for layer in range(BLOCKS)]
    return constants(stem_parameters(weights, window_frames)), blocks


def _pair_means(tokens: Tensor) -> Tensor:
    """Average neighbouring tokens: 20 ms steps to 40 ms steps."""
    pairs = tf.reshape(tokens, (-1, tokens.shape[1] // 2, 2, tokens.shape[2]))
    return tf.reduce_mean(pairs, axis=2)


class FrozenEncoder:
    """The encoder as a TFLite model of its own.

    Args:
        weights: weights of a Whisper encoder.
        window_frames: frames of a full window, a multiple of 4.
    """

    def __init__(self, weights: Weights, window_frames: int) -> None:
        lower, blocks = encoder_parameters(weights, window_frames)

        def encode(features: Tensor) -> dict[str, Tensor]:
            return {"states": encoder_states(features, lower, blocks)}

        shape = tf.TensorSpec((1, window_frames, RECIPE.n_mfcc), tf.float32, name="features")
        module = tf.Module()
        module.encode = tf.function(encode, [shape], autograph=False)
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [module.encode.get_concrete_function()], module
        )
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        self._interpreter = Interpreter(model_content=converter.convert(), num_threads=1)
        self._run = self._interpreter.get_signature_runner()

    def __call__(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
        """Encode one window, shape ``(window_frames, n_mfcc)``; float16 to save memory."""
        states: npt.NDArray[np.float16] = self._run(features=features[None])["states"][0].astype(
            np.float16
        )
        return states
