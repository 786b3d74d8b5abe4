"""Run the frozen part of the encoder over windows, once, in the arithmetic that ships.

The blocks that are not trained go through the same dynamic-range int8 operations as in the
exported model, so what is trained on top of them knows their rounding; and that is faster
than TensorFlow on one core.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from models.encoder import (
    Parameters,
    Tensor,
    block,
    block_parameters,
    constants,
    log_mel,
    stem,
    stem_parameters,
    whisper_input,
)
from models.shape import RECIPE
from models.whisper import Weights

FROZEN_BLOCKS = 1
"""Never trained: their output is what is kept of a window."""

TRAINED_BLOCKS = 2
"""Those above: heads stand on the outputs of both."""

Array = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Hidden:
    """What the frozen encoder computes of one window; float16 to save memory."""

    tokens: Array
    """Output of the last frozen block, ``(window_frames / 2, 384)``."""
    pairs: Array
    """Outputs of the next two, still untrained, averaged over pairs of tokens,
    ``(window_frames / 4, 768)``."""


def pair_means(tokens: Tensor) -> Tensor:
    """Average neighbouring tokens: 20 ms steps to 40 ms steps."""
    pairs = tf.reshape(tokens, (-1, tokens.shape[1] // 2, 2, tokens.shape[2]))
    return tf.reduce_mean(pairs, axis=2)


def pairs_above(tokens: Tensor, blocks: Sequence[Parameters]) -> Tensor:
    """What heads stand on: the outputs of these blocks side by side, in steps of 40 ms."""
    outputs = []
    for parameters in blocks:
        tokens = block(tokens, parameters)
        outputs.append(tokens)
    return pair_means(tf.concat(outputs, axis=2))


class FrozenEncoder:
    """The lower blocks as a TFLite model of its own.

    Args:
        weights: of a Whisper encoder.
        window_frames: of a full window, a multiple of 4.
    """

    def __init__(self, weights: Weights, window_frames: int) -> None:
        lower = constants(stem_parameters(weights, window_frames))
        layers = range(FROZEN_BLOCKS + TRAINED_BLOCKS)
        blocks = [constants(block_parameters(weights, layer)) for layer in layers]

        def encode(features: Tensor) -> dict[str, Tensor]:
            mel = log_mel(features)
            hidden = stem(whisper_input(mel), lower)
            for parameters in blocks[:FROZEN_BLOCKS]:
                hidden = block(hidden, parameters)
            return {"tokens": hidden, "pairs": pairs_above(hidden, blocks[FROZEN_BLOCKS:])}

        shape = tf.TensorSpec((1, window_frames, RECIPE.n_mfcc), tf.float32, name="features")
        module = tf.Module()
        module.encode = tf.function(encode, [shape], autograph=False)
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [module.encode.get_concrete_function()], module
        )
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        self._interpreter = Interpreter(model_content=converter.convert(), num_threads=1)
        self._run = self._interpreter.get_signature_runner()

    def __call__(self, features: npt.NDArray[np.float32]) -> Hidden:
        """Encode one window, shape ``(window_frames, n_mfcc)``."""
        outputs = self._run(features=features[None])
        return Hidden(*(outputs[name][0].astype(np.float16) for name in ("tokens", "pairs")))
