"""Turn trained networks into ``.tflite`` files that the daemon loads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.models.detector import Arrays, describe, detect
from emotiond.models.encoder import Tensor, constants, log_mel, masks, values
from emotiond.models.expression import speakers_own
from emotiond.models.frozen import encoder_parameters, heard_states
from emotiond.models.heads import SPEAKER_SIZE, judge, standardise, window_statistics
from emotiond.models.shape import RECIPE, WINDOW_FRAMES
from emotiond.models.training import Network
from emotiond.models.whisper import Weights

Serve: TypeAlias = Callable[[Tensor, Tensor], dict[str, Tensor]]


def export_full(
    network: Network,
    expression: npt.NDArray[np.float32],
    detector: Arrays,
    weights: Weights,
) -> bytes:
    """The whole ``full`` model with dynamic-range int8 weights.

    Args:
        network: trained heads, and what they take hidden states by.
        expression: of emotions in the statistics, see ``measure_expression``.
        detector: of voices, see ``train_detector``.
        weights: of the Whisper encoder.
    """
    lower, blocks = encoder_parameters(weights, WINDOW_FRAMES)
    heads = [constants(values(head)) for head in network.heads]
    ear = constants(detector)

    def serve(features: Tensor, speaker: Tensor) -> dict[str, Tensor]:
        real, loud = masks(log_mel(features))
        standard = standardise(heard_states(features, lower, blocks), network.moments)
        labels = judge(standard, real, speaker, heads)
        statistics = window_statistics(standard, loud, network.moments)
        return {
            "logits": tf.concat((labels, detect(describe(standard, real), ear)), axis=1),
            "statistics": speakers_own(statistics, labels, expression),
        }

    return to_tflite(serve, SPEAKER_SIZE, [])


def to_tflite(serve: Serve, speaker_size: int, weight_types: Sequence[Any]) -> bytes:
    """A graph of windows and speakers, as the daemon asks it, as the bytes of a ``.tflite``.

    Args:
        serve: takes ``(n, WINDOW_FRAMES, n_mfcc)`` and ``(n, speaker_size)``.
        speaker_size: length of a speaker's statistics.
        weight_types: that weights may have; without any they are int8, of a dynamic range.
    """
    signature = [
        tf.TensorSpec((None, WINDOW_FRAMES, RECIPE.n_mfcc), tf.float32, name="features"),
        tf.TensorSpec((None, speaker_size), tf.float32, name="speaker"),
    ]
    module = tf.Module()
    module.serve = tf.function(serve, signature, autograph=False)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [module.serve.get_concrete_function()], module
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = weight_types
    return bytes(converter.convert())
