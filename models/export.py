"""Turn trained networks into ``.tflite`` files that the daemon loads."""

from __future__ import annotations

import tensorflow as tf

from models.encoder import (
    Tensor,
    block,
    block_parameters,
    constants,
    log_mel,
    masks,
    stem,
    stem_parameters,
    whisper_input,
)
from models.frozen import FROZEN_BLOCKS, pair_means
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


def export_full(network: Network, weights: Weights) -> bytes:
    """The whole ``full`` model with dynamic-range int8 weights.

    Args:
        network: trained block, heads and population.
        weights: of the Whisper encoder, for the blocks that were never trained.
    """
    lower = constants(stem_parameters(weights, WINDOW_FRAMES))
    blocks = [constants(block_parameters(weights, layer)) for layer in range(FROZEN_BLOCKS)]
    last = constants({name: value.numpy() for name, value in network.block.items()})
    heads = [constants({k: v.numpy() for k, v in head.items()}) for head in network.heads]
    population = population_parameters(network.population)

    def serve(features: Tensor, speaker: Tensor) -> dict[str, Tensor]:
        mel = log_mel(features)
        real, loud = masks(mel)
        hidden = stem(whisper_input(mel), lower)
        for parameters in blocks:
            hidden = block(hidden, parameters)
        pairs = pair_means(tf.concat((hidden, block(hidden, last)), axis=2))
        standard = standardise(pairs, population)
        return {
            "logits": judge(standard, real, speaker, heads),
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
