"""Trains the voice detector."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.dsp.types import FloatArray
from emotiond.models.training.networks.detector import detect
from emotiond.models.training.networks.layers import Arrays, Tensor, values

OPEN_SHARE = 0.02
"""Share of windows of unheard noises that count as a voice; a label needs more than one window."""
_WIDTH = 32
_STEPS = 1500
_HALF_BATCH = 32
_RATE = 1e-3
_DROPOUT = 0.2
_LABEL_SMOOTHING = 0.02
_LEAST_DEVIATION = 1e-3
_MIXING = 0.4
"""Parameter of the beta distribution from which shares in mixtures come."""


def train_detector(
    described: FloatArray,
    is_voice: npt.NDArray[np.bool_],
    noise_fold: npt.NDArray[np.int64],
    seed: int,
) -> Arrays:
    """Train a detector that opens for few noises that it does not know.

    The logit 0 is where :data:`OPEN_SHARE` of the noises of a fold pass detectors that were trained
    without the fold, on average over the folds. So the threshold depends on no recording of voices:
    those of strangers may score lower than those of the training.

    Args:
        described: rows of :func:`describe`.
        is_voice: whether each row is a voice.
        noise_fold: the fold of each noise; 0 is always trained on.
        seed: the seed of initial values and batches.
    """
    parameters = _train(described, is_voice, seed)
    passing = []
    for fold in np.unique(noise_fold[~is_voice & (noise_fold > 0)]).tolist():
        held_out = ~is_voice & (noise_fold == fold)
        if (is_voice | held_out).all():
            continue  # no noise would be left
        others = _train(described[~held_out], is_voice[~held_out], seed)
        logits = detect(tf.constant(described[held_out], tf.float32), others).numpy()
        passing.append(np.quantile(logits, 1 - OPEN_SHARE))
    if passing:
        parameters["out/bias"] -= np.float32(np.mean(passing))
    return parameters


def _train(described: FloatArray, is_voice: npt.NDArray[np.bool_], seed: int) -> Arrays:
    """Train on batches with as many noises as voices, all mixed."""
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
    schedule = tf.keras.optimizers.schedules.CosineDecay(_RATE, _STEPS)
    optimizer = tf.keras.optimizers.AdamW(schedule, weight_decay=0.01)
    optimizer.build(variables)

    def step(rows: Tensor, truth: Tensor) -> None:
        with tf.GradientTape() as tape:
            logits = detect(tf.nn.dropout(rows, _DROPOUT), parameters)
            smooth = truth * (1 - _LABEL_SMOOTHING) + _LABEL_SMOOTHING / 2
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=smooth, logits=logits)
            loss = tf.reduce_mean(losses)
        optimizer.apply(tape.gradient(loss, variables), variables)

    train = tf.function(step, autograph=False)
    truth = np.repeat((1.0, 0.0), _HALF_BATCH)[:, None]
    voices, noises = np.flatnonzero(is_voice), np.flatnonzero(~is_voice)
    for _ in range(_STEPS if noises.size else 0):
        rows = np.concatenate([random.choice(part, _HALF_BATCH) for part in (voices, noises)])
        standard = (described[rows] - mean) / deviation
        share = random.beta(_MIXING, _MIXING, (rows.size, 1))
        partner = random.permutation(rows.size)
        mixed = (share * part + (1 - share) * part[partner] for part in (standard, truth))
        train(*(part.astype(np.float32) for part in mixed))
    return _on_raw_states(values(parameters), mean, deviation)


def _on_raw_states(parameters: Arrays, mean: FloatArray, deviation: FloatArray) -> Arrays:
    """Fold the standardisation of the rows into the first layer."""
    kernel = parameters["in/kernel"] / deviation[:, None]
    bias = parameters["in/bias"] - mean @ kernel
    folded = {"in/kernel": kernel.astype(np.float32), "in/bias": bias.astype(np.float32)}
    return parameters | folded
