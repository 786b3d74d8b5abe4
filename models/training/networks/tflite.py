"""Converts trained networks to ``.tflite`` files for the daemon."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.lite.tools import flatbuffer_utils

from emotiond.inference.card import EncoderShape
from emotiond.models.training.common.model_input import (
    ENCODERS,
    FULL_ENCODER,
    LITE_ENCODER,
    RECIPE,
    WINDOW_FRAMES,
)
from emotiond.models.training.networks import lite
from emotiond.models.training.networks.detector import describe, detect
from emotiond.models.training.networks.encoder import CHANNELS, encode_call, past_shapes
from emotiond.models.training.networks.expression import speakers_own
from emotiond.models.training.networks.full import Network
from emotiond.models.training.networks.heads import (
    SPEAKER_SIZE,
    adapt,
    label_logits,
    masks,
    standardise,
    window_statistics,
)
from emotiond.models.training.networks.layers import Arrays, Tensor, constants, values
from emotiond.models.training.networks.lite import Spectrum

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Signature:
    """One entry of a model: a function of named tensors, and their shapes."""

    serve: Callable[..., dict[str, Tensor]]
    inputs: Shapes


def export_full(
    network: Network,
    expression: npt.NDArray[np.float32],
    detector: Arrays,
    encoder: Arrays,
) -> bytes:
    """Export the ``full`` model with dynamic-range int8 weights.

    Args:
        network: trained heads and the population.
        expression: effect of emotions on the statistics, see ``measure_expression``.
        detector: parameters of the voice detector, see ``train_detector``.
        encoder: parameters of the encoder, see ``encoder.encoder_parameters``.
    """
    heads = [constants(values(head)) for head in network.heads]
    linear = constants(values(network.linear))
    fixed_detector = constants(detector)

    def classify(states: Tensor, levels: Tensor, speaker: Tensor) -> dict[str, Tensor]:
        real, loud = masks(levels)
        standard = standardise(states, network.moments)
        adapted = adapt(standard, speaker)
        labels = label_logits(adapted, real, heads, linear, network.moments)
        statistics = window_statistics(standard, loud, network.moments)
        return {
            "logits": tf.concat((labels, detect(describe(standard, real), fixed_detector)), axis=1),
            "statistics": speakers_own(statistics, labels, expression),
        }

    inputs = _classify_inputs("full", CHANNELS, SPEAKER_SIZE)
    return to_tflite(
        {"encode": encode_signature(encoder), "classify": Signature(classify, inputs)}, []
    )


def export_lite(parameters: dict[str, Tensor], detector: Arrays, spectrum: Spectrum) -> bytes:
    """Export the ``lite`` model with float16 weights."""
    fixed = constants(values(parameters))
    fixed_detector = constants(detector)

    def encode(
        features: Tensor, position: Tensor, count: Tensor, **past: Tensor
    ) -> dict[str, Tensor]:
        outputs = lite.encode_call(features, past, fixed, spectrum)
        # The converter would remove inputs without a use.
        outputs["levels"] += 0.0 * (position + count)
        return outputs

    def classify(states: Tensor, levels: Tensor, speaker: Tensor) -> dict[str, Tensor]:
        return {
            "logits": lite.logits(states, levels, speaker, fixed, fixed_detector),
            "statistics": lite.statistics(states, levels, spectrum),
        }

    inputs = _encode_inputs(LITE_ENCODER, lite.past_shapes())
    outputs = _classify_inputs("lite", lite.CHANNELS, lite.SPEAKER_SIZE)
    signatures = {"encode": Signature(encode, inputs), "classify": Signature(classify, outputs)}
    return to_tflite(signatures, [tf.float16])


def encode_signature(encoder: Arrays) -> Signature:
    """Return the signature ``encode`` of the ``full`` model."""
    parameters = constants(encoder)

    def encode(
        features: Tensor, position: Tensor, count: Tensor, **past: Tensor
    ) -> dict[str, Tensor]:
        return encode_call(features, position, count, past, parameters)

    return Signature(encode, _encode_inputs(FULL_ENCODER, past_shapes()))


def to_tflite(signatures: Mapping[str, Signature], weight_types: Sequence[Any]) -> bytes:
    """Convert functions to the bytes of a ``.tflite`` file.

    Args:
        signatures: functions of float32 tensors, by the name of their signature.
        weight_types: types of the weights; if empty, they are dynamic-range int8.
    """
    module = tf.Module()
    functions = {}
    for name, signature in signatures.items():
        inputs = {
            key: tf.TensorSpec(shape, tf.float32, name=key)
            for key, shape in signature.inputs.items()
        }
        function = tf.function(signature.serve, autograph=False)
        functions[name] = function.get_concrete_function(**inputs)
        setattr(module, name, functions[name])
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=functions)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[*functions])
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = weight_types
        return _without_names(converter.convert())


def _without_names(content: bytes) -> bytes:
    """Drop the names of tensors inside the graph, which only cost bytes."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    for graph in model.subgraphs:
        for number in {*range(len(graph.tensors))} - {*graph.inputs, *graph.outputs}:
            graph.tensors[number].name = None
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _encode_inputs(shape: EncoderShape, past: Shapes) -> Shapes:
    features = (1, shape.frames_per_call, RECIPE.n_mfcc)
    return {"features": features, "position": (1, 1), "count": (1, 1), **past}


def _classify_inputs(model: str, channels: int, speaker_size: int) -> Shapes:
    states = WINDOW_FRAMES[model] // ENCODERS[model].frames_per_state
    return {
        "states": (1, states, channels),
        "levels": (1, states),
        "speaker": (1, speaker_size),
    }
