"""Trains the voice detector."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.dsp.types import FloatArray
from emotiond.models.training.networks.detector import detect
from emotiond.models.training.networks.layers import Arrays, Tensor, values

_WIDTH = 32
_STEPS = 1500
_HALF_BATCH = 32
_RATE = 1e-3
_DROPOUT = 0.2
_LABEL_SMOOTHING = 0.02
_LEAST_DEVIATION = 1e-3


def train_detector(described: FloatArray, is_voice: npt.NDArray[np.bool_], seed: int) -> Arrays:
    """Train on batches with as many noises as voices.

    Args:
        described: rows of :func:`describe`.
        is_voice: whether each row is a voice.
        seed: the seed of initial values and batches.
    """
    random = np.random.default_rng(seed)
    mean = described.mean(axis=0)
    deviation = np.maximum(described.std(axis=0), _LEAST_DEVIATION)
    kernel = random.standard_normal((described.shape[1], _WIDTH)) * described.shape[1] ** -0.5
    parameters = {
        "in/kernel": tf.Variable(kernel, dtype=tf.float32),
        "in/bias": tf.Variable(tf.zeros(_WIDTH)),
        "out/kernel": tf.Variable(random.standard_normal((_WIDTH, 1)) * 0.1, dtype=tf.float32),
        "out/bias": tf.Variable(tf.zeros(1)),
    }
    variables = list(parameters.values())
    optimizer = tf.keras.optimizers.AdamW(_RATE, weight_decay=0.01)
    optimizer.build(variables)

    def step(rows: Tensor, truth: Tensor) -> None:
        with tf.GradientTape() as tape:
            logits = detect(tf.nn.dropout(rows, _DROPOUT), parameters)
            smooth = truth * (1 - _LABEL_SMOOTHING) + _LABEL_SMOOTHING / 2
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=smooth, logits=logits)
            loss = tf.reduce_mean(losses)
        optimizer.apply(tape.gradient(loss, variables), variables)

    train = tf.function(step, autograph=False)
    truth = np.repeat(np.array((1, 0), np.float32), _HALF_BATCH)[:, None]
    voices, noises = np.flatnonzero(is_voice), np.flatnonzero(~is_voice)
    for _ in range(_STEPS if noises.size else 0):
        rows = np.concatenate([random.choice(part, _HALF_BATCH) for part in (voices, noises)])
        train(((described[rows] - mean) / deviation).astype(np.float32), truth)
    return _on_raw_states(values(parameters), mean, deviation)


def _on_raw_states(parameters: Arrays, mean: FloatArray, deviation: FloatArray) -> Arrays:
    """Fold the standardisation of the rows into the first layer."""
    kernel = parameters["in/kernel"] / deviation[:, None]
    bias = parameters["in/bias"] - mean @ kernel
    folded = {"in/kernel": kernel.astype(np.float32), "in/bias": bias.astype(np.float32)}
    return parameters | folded
