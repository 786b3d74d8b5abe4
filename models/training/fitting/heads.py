"""Trains heads on the frozen encoder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from emotiond.models.training.common.progress import progress
from emotiond.models.training.data.sampling import Sampler
from emotiond.models.training.fitting.checkpoints import go_on
from emotiond.models.training.fitting.curves import Curves, share_right
from emotiond.models.training.fitting.losses import mixed_loss, mixing
from emotiond.models.training.fitting.optimizer import Schedule, averaging_adamw
from emotiond.models.training.fitting.run import Windows
from emotiond.models.training.networks.full import Network
from emotiond.models.training.networks.heads import (
    adapt,
    classify,
    linear_logits,
    masks,
    pool,
    standardise,
    window_statistics,
)
from emotiond.models.training.networks.layers import Parameters, Tensor

_CHECKPOINT_STEPS = 100
_DROPOUT = 0.3
_LINEAR_DROPOUT = 0.7


class Trainer:
    """Trains the heads, resumable from its checkpoint folder."""

    def __init__(self, network: Network, schedule: Schedule, folder: Path) -> None:
        self._network = network
        self._steps = schedule.steps
        self._optimizer = averaging_adamw(schedule)
        self._optimizer.build(network.variables)
        self._step = tf.Variable(0, dtype=tf.int64)
        self.curves = Curves(schedule.steps)
        self._manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(
                step=self._step,
                heads=network.heads,
                linear=network.linear,
                head_optimizer=self._optimizer,
                **self.curves.variables,
            ),
            str(folder),
            max_to_keep=1,
        )
        self._train = tf.function(self._train_step, autograph=False)

    def run(
        self,
        windows: Windows,
        sampler: Sampler,
        held_out: Callable[[], float],
        title: str,
    ) -> None:
        """Train to the end.

        Args:
            windows: all windows.
            sampler: draws the batches.
            held_out: measures the accuracy on held-out windows, at every checkpoint.
            title: title of the progress bar.
        """
        go_on(self._manager)
        for step in progress(range(int(self._step), self._steps), title):
            batch = sampler.batch(step)
            loss, accuracy = self._train(
                windows.states(batch.rows).astype(np.float32),
                windows.levels(batch.rows),
                batch.speaker,
                batch.targets,
                batch.allowed,
            )
            self.curves.record(step, loss, accuracy)
            self._step.assign(step + 1)
            if (step + 1) % _CHECKPOINT_STEPS == 0 or step + 1 == self._steps:
                self.curves.held_out[step].assign(held_out())
                self._manager.save()
        self._optimizer.finalize_variable_values(self._network.variables)

    def _train_step(
        self, states: Tensor, levels: Tensor, speaker: Tensor, targets: Tensor, allowed: Tensor
    ) -> tuple[Tensor, Tensor]:
        network = self._network
        real, _ = masks(levels)
        with tf.GradientTape() as tape:
            adapted = adapt(standardise(states, network.moments), speaker)
            parts = [_head_loss(adapted, real, head, targets, allowed) for head in network.heads]
            described = window_statistics(adapted, real, network.moments)
            parts.append(_linear_loss(described, network.linear, targets, allowed))
            loss = tf.add_n([loss for loss, _ in parts]) / len(parts)
        self._optimizer.apply(tape.gradient(loss, network.variables), network.variables)
        return loss, tf.add_n([accuracy for _, accuracy in parts]) / len(parts)


def _head_loss(
    adapted: Tensor, real: Tensor, head: Parameters, targets: Tensor, allowed: Tensor
) -> tuple[Tensor, Tensor]:
    """Return loss and accuracy of a pooling head."""
    mixed, share, partner = _mixed(pool(adapted, real, head, _DROPOUT / 3))
    logits = classify(mixed, head, _DROPOUT)
    return mixed_loss(logits, targets, allowed, share, partner), share_right(logits, targets)


def _linear_loss(
    described: Tensor, linear: Parameters, targets: Tensor, allowed: Tensor
) -> tuple[Tensor, Tensor]:
    """Return loss and accuracy of the linear head."""
    mixed, share, partner = _mixed(described)
    logits = linear_logits(mixed, linear, _LINEAR_DROPOUT)
    return mixed_loss(logits, targets, allowed, share, partner), share_right(logits, targets)


def _mixed(described: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return mixtures of windows, the share of each in its own, and its partner's index."""
    batch = tf.shape(described)[0]
    share, partner = mixing(batch), tf.random.shuffle(tf.range(batch))
    return share * described + (1 - share) * tf.gather(described, partner), share, partner
