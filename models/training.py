"""Train heads on the frozen encoder, then, gently, the blocks below them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from dsp.types import FloatArray
from models.encoder import Parameters, Tensor, log_mel, masks
from models.frozen import pairs_above
from models.heads import (
    HeadSize,
    Population,
    adapt,
    classify,
    new_head,
    pool,
    population_parameters,
    standardise,
    window_statistics,
)
from models.losses import label_loss, mixing
from models.progress import progress
from models.sampling import Sampler

_CHECKPOINT_STEPS = 100
_AVERAGE = 0.99
"""Decay of the running average of the weights, per step; the average is what is kept."""


@dataclass(frozen=True)
class Stage:
    """One run over batches.

    The learning rates rise over the first tenth of the steps and fall along a cosine.
    """

    steps: int
    head_rate: float
    block_rate: float
    """0 leaves the blocks as they are."""
    dropout: float = 0.3


class Network:
    """The trained part: encoder blocks and several heads.

    Args:
        block_arrays: starting values of the blocks, see ``encoder.block_parameters``.
        population: of the training windows.
        size: of the heads.
        seed: of the heads' starting values.
    """

    def __init__(
        self,
        block_arrays: Sequence[dict[str, npt.NDArray[np.float32]]],
        population: Population,
        size: HeadSize,
        seed: int,
    ) -> None:
        random = np.random.default_rng(seed)
        self.population = population
        self.blocks = [
            {name: tf.Variable(array) for name, array in arrays.items()} for arrays in block_arrays
        ]
        self.heads = [
            {name: tf.Variable(array) for name, array in new_head(size, random).items()}
            for _ in range(size.heads)
        ]

    @property
    def head_variables(self) -> list[Tensor]:
        """Of all heads."""
        return [variable for head in self.heads for variable in head.values()]

    @property
    def block_variables(self) -> list[Tensor]:
        """Of all blocks."""
        return [variable for parameters in self.blocks for variable in parameters.values()]

    def pairs(self, tokens: Tensor) -> Tensor:
        """Hidden states of the blocks from those of the one below, as ``Hidden.pairs``."""
        return pairs_above(tokens, self.blocks)


class Trainer:
    """Runs one stage, resumable from its checkpoint folder."""

    def __init__(self, network: Network, stage: Stage, folder: Path) -> None:
        self._network = network
        self._stage = stage
        self._population = population_parameters(network.population)
        self._head_optimizer = averaging_adamw(stage.head_rate, stage.steps)
        self._block_optimizer = averaging_adamw(stage.block_rate, stage.steps)
        self._head_optimizer.build(network.head_variables)
        self._block_optimizer.build(network.block_variables)
        self._step = tf.Variable(0, dtype=tf.int64)
        self.history = tf.Variable(tf.zeros(stage.steps))
        """Loss of every step."""
        self._manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(
                step=self._step,
                history=self.history,
                heads=network.heads,
                blocks=network.blocks,
                head_optimizer=self._head_optimizer,
                block_optimizer=self._block_optimizer,
            ),
            str(folder),
            max_to_keep=1,
        )
        self._train = tf.function(self._train_step, autograph=False)

    def run(
        self,
        hidden: npt.NDArray[np.float16],
        real: FloatArray,
        loud: FloatArray,
        sampler: Sampler,
        statistics: FloatArray,
        title: str,
    ) -> None:
        """Train to the end of the stage.

        Args:
            hidden: of all windows: ``tokens`` where the blocks are trained, else ``pairs``.
            real: masks of all windows, see ``encoder.masks``; ``loud`` likewise.
            loud: see ``real``.
            sampler: of batches.
            statistics: the sampler's own; brought up to date as the blocks change.
            title: for the progress bar.
        """
        self._manager.restore_or_initialize()
        for step in progress(range(int(self._step), self._stage.steps), title):
            batch = sampler.batch(step)
            loss, fresh = self._train(
                hidden[batch.rows].astype(np.float32),
                real[batch.rows],
                loud[batch.rows],
                batch.speaker,
                batch.targets,
                batch.allowed,
            )
            self.history[step].assign(loss)
            if self._stage.block_rate:
                statistics[batch.rows] = fresh.numpy()
            self._step.assign(step + 1)
            if (step + 1) % _CHECKPOINT_STEPS == 0 or step + 1 == self._stage.steps:
                self._manager.save()
        self._head_optimizer.finalize_variable_values(self._network.head_variables)
        if self._stage.block_rate:
            self._block_optimizer.finalize_variable_values(self._network.block_variables)

    def _train_step(
        self,
        hidden: Tensor,
        real: Tensor,
        loud: Tensor,
        speaker: Tensor,
        targets: Tensor,
        allowed: Tensor,
    ) -> tuple[Tensor, Tensor]:
        network = self._network
        with tf.GradientTape() as tape:
            pairs = network.pairs(hidden) if self._stage.block_rate else hidden
            standard = standardise(pairs, self._population)
            adapted = adapt(standard, speaker)
            losses = [
                self._head_loss(adapted, real, head, targets, allowed) for head in network.heads
            ]
            loss = tf.add_n(losses) / len(losses)
        head_variables, block_variables = network.head_variables, network.block_variables
        if self._stage.block_rate:
            gradients = tape.gradient(loss, head_variables + block_variables)
            self._block_optimizer.apply(gradients[len(head_variables) :], block_variables)
        else:
            gradients = tape.gradient(loss, head_variables)
        self._head_optimizer.apply(gradients[: len(head_variables)], head_variables)
        return loss, window_statistics(standard, loud, self._population)

    def _head_loss(
        self,
        adapted: Tensor,
        real: Tensor,
        head: Parameters,
        targets: Tensor,
        allowed: Tensor,
    ) -> Tensor:
        dropout = self._stage.dropout
        pooled = pool(adapted, real, head, dropout / 3)
        batch = tf.shape(pooled)[0]
        share, partner = mixing(batch), tf.random.shuffle(tf.range(batch))
        mixed = share * pooled + (1 - share) * tf.gather(pooled, partner)
        logits = classify(mixed, head, dropout)
        own = label_loss(logits, targets, allowed)
        other = label_loss(logits, tf.gather(targets, partner), tf.gather(allowed, partner))
        return tf.reduce_mean(share[:, 0] * own + (1 - share[:, 0]) * other)


def masks_of(features: npt.NDArray[np.float32]) -> tuple[FloatArray, FloatArray]:
    """``encoder.masks`` of many windows."""
    parts = [masks(log_mel(tf.constant(part))) for part in _chunks(features)]
    real, loud = zip(*parts, strict=True)
    return np.concatenate(real), np.concatenate(loud)


def statistics_of(
    pairs: npt.NDArray[np.float16], loud: FloatArray, population: Population
) -> FloatArray:
    """``heads.window_statistics`` of many windows."""
    constants = population_parameters(population)
    rows = [
        window_statistics(standardise(tf.cast(part, tf.float32), constants), mask, constants)
        for part, mask in zip(_chunks(pairs), _chunks(loud), strict=True)
    ]
    return np.concatenate(rows)


def _chunks(array: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    return [array[i : i + 64] for i in range(0, len(array), 64)]


def averaging_adamw(rate: float, steps: int) -> Any:
    """Keras's AdamW with a warm-up, a cosine and a running average of the weights."""
    warmup = max(1, steps // 10)
    schedule = tf.keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warmup), warmup_target=rate, warmup_steps=warmup
    )
    return tf.keras.optimizers.AdamW(
        schedule, weight_decay=0.01, global_clipnorm=1.0, use_ema=True, ema_momentum=_AVERAGE
    )
