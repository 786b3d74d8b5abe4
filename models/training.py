"""Train heads on the frozen encoder."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.dsp.types import FloatArray
from emotiond.models.encoder import Parameters, Tensor, log_mel, masks
from emotiond.models.heads import (
    SPEAKER_SIZE,
    HeadSize,
    Population,
    adapt,
    classify,
    judge,
    new_head,
    pool,
    population_parameters,
    standardise,
    window_statistics,
)
from emotiond.models.history import History, share_right
from emotiond.models.losses import mixed_loss, mixing
from emotiond.models.progress import progress
from emotiond.models.sampling import Sampler

_CHECKPOINT_STEPS = 100
_DROPOUT = 0.3
_AVERAGE = 0.99
"""Decay of the running average of the weights, per step; the average is what is kept."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn.

    The learning rate rises over the first tenth of the steps and falls along a cosine.
    """

    steps: int
    rate: float
    """The highest."""


@dataclass(frozen=True)
class Network:
    """What is trained, and what it takes hidden states by."""

    population: Population
    heads: list[Parameters]

    @classmethod
    def new(cls, population: Population, size: HeadSize, seed: int) -> Network:
        """With random heads."""
        random = np.random.default_rng(seed)
        heads = [
            {name: tf.Variable(array) for name, array in new_head(size, random).items()}
            for _ in range(size.heads)
        ]
        return cls(population, heads)

    @property
    def variables(self) -> list[Tensor]:
        """Of all heads."""
        return [variable for head in self.heads for variable in head.values()]

    @functools.cached_property
    def moments(self) -> Parameters:
        """Of the population, as constants of a graph."""
        with tf.init_scope():  # not within the graph of whoever asks first
            return population_parameters(self.population)

    def judge(self, states: npt.NDArray[np.float16], real: FloatArray) -> FloatArray:
        """Label logits of windows, of nobody in particular, ``(n, 8)``."""
        standard = standardise(tf.cast(states, tf.float32), self.moments)
        scores: FloatArray = judge(standard, real, tf.zeros((1, SPEAKER_SIZE)), self.heads).numpy()
        return scores


class Trainer:
    """Trains the heads, resumable from its checkpoint folder."""

    def __init__(self, network: Network, schedule: Schedule, folder: Path) -> None:
        self._network = network
        self._steps = schedule.steps
        self._optimizer = averaging_adamw(schedule)
        self._optimizer.build(network.variables)
        self._step = tf.Variable(0, dtype=tf.int64)
        self.history = History(schedule.steps)
        self._manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(
                step=self._step,
                heads=network.heads,
                head_optimizer=self._optimizer,
                **self.history.variables,
            ),
            str(folder),
            max_to_keep=1,
        )
        self._train = tf.function(self._train_step, autograph=False)

    def run(
        self,
        states: npt.NDArray[np.float16],
        real: FloatArray,
        sampler: Sampler,
        held_out: Callable[[], float],
        title: str,
    ) -> None:
        """Train to the end.

        Args:
            states: of all windows, see ``frozen.heard_states``.
            real: masks of all windows, see ``encoder.masks``.
            sampler: of batches.
            held_out: measures accuracy on people that are left out, at every checkpoint.
            title: for the progress bar.
        """
        self._manager.restore_or_initialize()
        for step in progress(range(int(self._step), self._steps), title):
            batch = sampler.batch(step)
            loss, accuracy = self._train(
                states[batch.rows].astype(np.float32),
                real[batch.rows],
                batch.speaker,
                batch.targets,
                batch.allowed,
            )
            self.history.note(step, loss, accuracy)
            self._step.assign(step + 1)
            if (step + 1) % _CHECKPOINT_STEPS == 0 or step + 1 == self._steps:
                self.history.held_out[step].assign(held_out())
                self._manager.save()
        self._optimizer.finalize_variable_values(self._network.variables)

    def _train_step(
        self, states: Tensor, real: Tensor, speaker: Tensor, targets: Tensor, allowed: Tensor
    ) -> tuple[Tensor, Tensor]:
        variables, n_heads = self._network.variables, len(self._network.heads)
        with tf.GradientTape() as tape:
            adapted = adapt(standardise(states, self._network.moments), speaker)
            parts = [
                _head_loss(adapted, real, head, targets, allowed) for head in self._network.heads
            ]
            loss = tf.add_n([loss for loss, _ in parts]) / n_heads
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        return loss, tf.add_n([accuracy for _, accuracy in parts]) / n_heads


def _head_loss(
    adapted: Tensor, real: Tensor, head: Parameters, targets: Tensor, allowed: Tensor
) -> tuple[Tensor, Tensor]:
    """Loss and accuracy of one head."""
    pooled = pool(adapted, real, head, _DROPOUT / 3)
    batch = tf.shape(pooled)[0]
    share, partner = mixing(batch), tf.random.shuffle(tf.range(batch))
    mixed = share * pooled + (1 - share) * tf.gather(pooled, partner)
    logits = classify(mixed, head, _DROPOUT)
    loss = mixed_loss(logits, targets, allowed, share, partner)
    return loss, share_right(logits, targets)


def masks_of(features: npt.NDArray[np.float32]) -> tuple[FloatArray, FloatArray]:
    """``encoder.masks`` of many windows."""
    parts = [masks(log_mel(tf.constant(part))) for part in _chunks(features)]
    real, loud = zip(*parts, strict=True)
    return np.concatenate(real), np.concatenate(loud)


def statistics_of(
    states: npt.NDArray[np.float16], loud: FloatArray, population: Population
) -> FloatArray:
    """``heads.window_statistics`` of many windows."""
    constants = population_parameters(population)
    rows = [
        window_statistics(standardise(tf.cast(part, tf.float32), constants), mask, constants)
        for part, mask in zip(_chunks(states), _chunks(loud), strict=True)
    ]
    return np.concatenate(rows)


def _chunks(array: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    return [array[i : i + 64] for i in range(0, len(array), 64)]


def averaging_adamw(schedule: Schedule) -> Any:
    """Keras's AdamW with a warm-up, a cosine and a running average of the weights."""
    warmup = max(1, schedule.steps // 10)
    rate = tf.keras.optimizers.schedules.CosineDecay(
        0.0, max(1, schedule.steps - warmup), warmup_target=schedule.rate, warmup_steps=warmup
    )
    return tf.keras.optimizers.AdamW(
        rate, weight_decay=0.01, global_clipnorm=1.0, use_ema=True, ema_momentum=_AVERAGE
    )
