"""Teaches the streaming encoder to imitate Whisper's states of whole windows, without labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.models.training.common.model_input import POSITIONS
from emotiond.models.training.common.progress import progress
from emotiond.models.training.data.speeches import TOKENS, Example, make_example
from emotiond.models.training.fitting.checkpoints import go_on
from emotiond.models.training.fitting.optimizer import Schedule, averaging_adamw
from emotiond.models.training.networks.encoder import (
    OUTPUT_BLOCKS,
    WIDTH,
    encode_streams,
    position_table,
)
from emotiond.models.training.networks.layers import Arrays, Tensor, constants, values

SCHEDULE = Schedule(steps=1600, rate=2e-4)
_BATCH = 16
_CHECKPOINT_STEPS = 100
_FIXED = ("conv1", "conv2")
"""The convolutions see the same frames as Whisper's, and stay as they are."""


class SelfDistillation:
    """Trains the blocks of the encoder, resumable from its checkpoint folder.

    Args:
        whisper: the teacher's parameters, see ``encoder.encoder_parameters``.
        schedule: number of steps and learning rate.
        folder: the folder of the checkpoints.
        batch_size: speeches in a step.
    """

    def __init__(
        self, whisper: Arrays, schedule: Schedule, folder: Path, batch_size: int = _BATCH
    ) -> None:
        self._batch_size = batch_size
        self._teacher = constants(whisper)
        self._fixed = {name: self._teacher[name] for name in whisper if name.startswith(_FIXED)}
        self._learned = {
            name: tf.Variable(array) for name, array in whisper.items() if name not in self._fixed
        }
        self._steps = schedule.steps
        self._optimizer = averaging_adamw(schedule)
        self._optimizer.build(list(self._learned.values()))
        self._step = tf.Variable(0, dtype=tf.int64)
        self._scales = [tf.Variable(tf.ones(WIDTH)) for _ in range(OUTPUT_BLOCKS)]
        self._losses = tf.Variable(tf.zeros(schedule.steps))
        checkpoint = tf.train.Checkpoint(
            step=self._step,
            learned=self._learned,
            optimizer=self._optimizer,
            scales=self._scales,
            losses=self._losses,
        )
        self._manager = tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=1)
        self._positions = position_table()
        self._imitate = tf.function(self._targets, autograph=False)
        self._train = tf.function(self._train_step, autograph=False)

    def run(self, speeches: Sequence[npt.NDArray[np.float16]], seed: int) -> Arrays:
        """Train to the end, and return the encoder's parameters.

        Args:
            speeches: spectra from ``speeches.read_speeches``.
            seed: the seed of all batches.
        """
        go_on(self._manager)
        if int(self._step) == 0:
            self._measure_scales(speeches, seed)
        for step in progress(range(int(self._step), self._steps), "encoder"):
            examples = self._batch(speeches, (seed, step))
            self._losses[step].assign(self._train(*self._arrays(examples)))
            self._step.assign(step + 1)
            if (step + 1) % _CHECKPOINT_STEPS == 0 or step + 1 == self._steps:
                self._manager.save()
        self._optimizer.finalize_variable_values(list(self._learned.values()))
        return values(self._fixed) | values(self._learned)

    @property
    def losses(self) -> npt.NDArray[np.float32]:
        """Mean squared distance to the teacher at every step, in deviations of its states."""
        losses: npt.NDArray[np.float32] = self._losses.numpy()
        return losses

    def _measure_scales(self, speeches: Sequence[npt.NDArray[np.float16]], seed: int) -> None:
        """Measure the deviation of each channel of the teacher, the unit of the loss."""
        examples = self._batch(speeches, (seed, self._steps))
        spectrum, *_, real = self._arrays(examples)
        for scale, target in zip(self._scales, self._imitate(spectrum), strict=True):
            scale.assign(target.numpy()[real > 0].std(axis=0))

    def _batch(
        self, speeches: Sequence[npt.NDArray[np.float16]], seed: tuple[int, int]
    ) -> list[Example]:
        random = np.random.default_rng(seed)
        chosen = random.integers(len(speeches), size=self._batch_size)
        return [make_example(speeches[number], random) for number in chosen.tolist()]

    def _arrays(self, examples: Sequence[Example]) -> tuple[npt.NDArray[np.float32], ...]:
        at = np.arange(TOKENS)
        rows = [(example.first_position + at) % POSITIONS for example in examples]
        return (
            np.stack([example.spectrum for example in examples]),
            np.stack([example.loudest for example in examples])[:, :, None],
            np.stack([self._positions[row] for row in rows]),
            np.stack([example.mask for example in examples]).astype(np.float32),
            np.stack([example.real for example in examples]).astype(np.float32),
        )

    def _targets(self, spectrum: Tensor) -> list[Tensor]:
        """Return the teacher's tokens, each of which sees the whole window."""
        every = tf.ones((1, TOKENS, TOKENS))
        positions = tf.constant(self._positions[:TOKENS])[None]
        loudest = tf.reduce_max(spectrum, axis=(1, 2), keepdims=True)
        return encode_streams(spectrum, loudest, positions, every, self._teacher, tf.bfloat16)

    def _train_step(
        self, spectrum: Tensor, loudest: Tensor, positions: Tensor, mask: Tensor, real: Tensor
    ) -> Tensor:
        targets = self._targets(spectrum)
        variables = list(self._learned.values())
        with tf.GradientTape() as tape:
            parameters = {**self._fixed, **self._learned}
            outputs = encode_streams(spectrum, loudest, positions, mask, parameters, tf.bfloat16)
            loss = tf.constant(0.0)
            for output, target, scale in zip(outputs, targets, self._scales, strict=True):
                distance = tf.reduce_mean(tf.square((output - target) / scale), axis=2)
                loss += tf.reduce_sum(distance * real) / tf.reduce_sum(real)
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        return loss
