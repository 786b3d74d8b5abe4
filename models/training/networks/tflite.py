"""Converts trained networks to ``.tflite`` files for the daemon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.models.training.common.model_input import RECIPE, WINDOW_FRAMES
from emotiond.models.training.networks import lite
from emotiond.models.training.networks.detector import describe, detect
from emotiond.models.training.networks.encoder import log_mel, masks
from emotiond.models.training.networks.expression import speakers_own
from emotiond.models.training.networks.frozen import encoder_parameters, encoder_states
from emotiond.models.training.networks.full import Network
from emotiond.models.training.networks.heads import (
    SPEAKER_SIZE,
    label_logits,
    standardise,
    window_statistics,
)
from emotiond.models.training.networks.layers import Arrays, Tensor, constants, values
from emotiond.models.training.networks.lite import Spectrum
from emotiond.models.training.networks.whisper import Weights

Serve: TypeAlias = Callable[[Tensor, Tensor], dict[str, Tensor]]


def export_full(
    network: Network,
    expression: npt.NDArray[np.float32],
    detector: Arrays,
    weights: Weights,
) -> bytes:
    """Export the ``full`` model with dynamic-range int8 weights.

    Args:
        network: trained heads and the population.
        expression: effect of emotions on the statistics, see ``measure_expression``.
        detector: parameters of the voice detector, see ``train_detector``.
        weights: weights of the Whisper encoder.
    """
    lower, blocks = encoder_parameters(weights, WINDOW_FRAMES)
    heads = [constants(values(head)) for head in network.heads]
    fixed_detector = constants(detector)

    def serve(features: Tensor, speaker: Tensor) -> dict[str, Tensor]:
        real, loud = masks(log_mel(features))
        standard = standardise(encoder_states(features, lower, blocks), network.moments)
        labels = label_logits(standard, real, speaker, heads)
        statistics = window_statistics(standard, loud, network.moments)
        return {
            "logits": tf.concat((labels, detect(describe(standard, real), fixed_detector)), axis=1),
            "statistics": speakers_own(statistics, labels, expression),
        }

    return to_tflite(serve, SPEAKER_SIZE, [])


def export_lite(parameters: dict[str, Tensor], detector: Arrays, spectrum: Spectrum) -> bytes:
    """Export the ``lite`` model with float16 weights."""
    fixed = constants(values(parameters))
    fixed_detector = constants(detector)

    def serve(features: Tensor, speaker: Tensor) -> dict[str, Tensor]:
        mel, real, loud = lite.relative_mel(features)
        hidden = lite.hidden_states(mel, speaker, fixed, spectrum)
        return {
            "logits": lite.logits(hidden, real, fixed, fixed_detector),
            "statistics": lite.statistics(mel, loud, spectrum),
        }

    return to_tflite(serve, lite.SPEAKER_SIZE, [tf.float16])


def to_tflite(serve: Serve, speaker_size: int, weight_types: Sequence[Any]) -> bytes:
    """Convert a graph of windows and speakers to the bytes of a ``.tflite`` file.

    Args:
        serve: takes ``(n, WINDOW_FRAMES, n_mfcc)`` and ``(n, speaker_size)``.
        speaker_size: length of a speaker's statistics.
        weight_types: types of the weights; if empty, they are dynamic-range int8.
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
