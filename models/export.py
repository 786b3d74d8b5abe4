"""Turn trained networks into ``.tflite`` files that the daemon loads."""

from __future__ import annotations

import tensorflow as tf

from models.detector import Arrays, describe, detect
from models.encoder import (
    Tensor,
    block,
    block_parameters,
    constants,
    log_mel,
    masks,
    stem,
    stem_parameters,
    values,
    whisper_input,
)
from models.frozen import FROZEN_BLOCKS, pairs_above
from models.heads import (
    SPEAKER_SIZE,
    judge,
    population_parameters,
    standardise,
    window_statistics,
)
from models.shape import RECIPE, WINDOW_FRAMES
from models.training import Network
from models.whisper import Weights


def export_full(network: Network, detector: Arrays, weights: Weights) -> bytes:
    """The whole ``full`` model with dynamic-range int8 weights.

    Args:
        network: trained blocks, heads and population.
        detector: of voices, see ``train_detector``.
        weights: of the Whisper encoder, for the blocks that were never trained.
    """
    lower = constants(stem_parameters(weights, WINDOW_FRAMES))
    blocks = [constants(block_parameters(weights, layer)) for layer in range(FROZEN_BLOCKS)]
    trained = [constants(values(parameters)) for parameters in network.blocks]
    heads = [constants(values(head)) for head in network.heads]
    population = population_parameters(network.population)
    ear = constants(detector)

    def serve(features: Tensor, speaker: Tensor) -> dict[str, Tensor]:
        mel = log_mel(features)
        real, loud = masks(mel)
        hidden = stem(whisper_input(mel), lower)
        for parameters in blocks:
            hidden = block(hidden, parameters)
        standard = standardise(pairs_above(hidden, trained), population)
        labels = judge(standard, real, speaker, heads)
        return {
            "logits": tf.concat((labels, detect(describe(standard, real), ear)), axis=1),
            "statistics": window_statistics(standard, loud, population),
        }

    signature = [
        tf.TensorSpec((None, WINDOW_FRAMES, RECIPE.n_mfcc), tf.float32, name="features"),
        tf.TensorSpec((None, SPEAKER_SIZE), tf.float32, name="speaker"),
    ]
    module = tf.Module()
    module.serve = tf.function(serve, signature, autograph=False)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [module.serve.get_concrete_function()], module
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return bytes(converter.convert())
