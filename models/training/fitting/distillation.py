"""Trains the small network on labels, scores of a large model, and hidden states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.dsp.types import FloatArray
from emotiond.models.training.common.progress import progress
from emotiond.models.training.data.sampling import Sampler
from emotiond.models.training.fitting.checkpoints import go_on
from emotiond.models.training.fitting.curves import Curves, share_right
from emotiond.models.training.fitting.losses import mixed_loss, mixing
from emotiond.models.training.fitting.optimizer import Schedule, averaging_adamw
from emotiond.models.training.fitting.run import Windows
from emotiond.models.training.networks import lite
from emotiond.models.training.networks.heads import classify, masks
from emotiond.models.training.networks.layers import Arrays, Tensor
from emotiond.models.training.networks.lite import Spectrum

Teacher: TypeAlias = Callable[[npt.NDArray[np.int64]], FloatArray]
"""Label logits of the large model for some rows of the windows, ``(n, labels)``."""
_CHECKPOINT_STEPS = 200
_LEAST_DEVIATION = 1e-3
_SOFTNESS = 2.0
"""Temperature of the distillation loss; Hinton et al. (2015)."""


@dataclass(frozen=True)
class Lesson(Schedule):
    """The schedule of one part of the small network's training."""

    hint_weight: float
    """Weight of the loss on the encoder's hidden states, beside labels and scores."""
    window_states: int
    """States of a full window, the end of a speech, which the lesson pools."""


@dataclass(frozen=True)
class Hints:
    """Moments of Whisper's third block, which the hidden states learn to predict."""

    mean: FloatArray
    deviation: FloatArray

    @classmethod
    def of(cls, block: FloatArray, loudest: FloatArray) -> Hints:
        """Measure them over speeches, see ``Windows.speeches``."""
        spoken = block[loudest > 0]
        return cls(spoken.mean(axis=0), spoken.std(axis=0) + _LEAST_DEVIATION)

    def standard(self, block: FloatArray) -> FloatArray:
        """Return the block of speeches, ``(n, states, channels)``, standardised."""
        return (block - self.mean) / self.deviation


class Distiller:
    """Trains the small network, resumable from its checkpoint folder.

    Args:
        start: initial values of the parameters.
        spectrum: moments of the training windows.
        hints: moments of what the hidden states predict.
        lesson: the schedule and the weights of losses.
        folder: the folder of the checkpoints.
    """

    def __init__(
        self,
        start: Arrays,
        spectrum: Spectrum,
        hints: Hints,
        lesson: Lesson,
        folder: Path,
    ) -> None:
        self.spectrum = spectrum
        self._hints = hints
        self._lesson = lesson
        self.parameters = {name: tf.Variable(array) for name, array in start.items()}
        self._optimizer = averaging_adamw(lesson)
        self._optimizer.build(list(self.parameters.values()))
        self._step = tf.Variable(0, dtype=tf.int64)
        self.curves = Curves(lesson.steps)
        checkpoint = tf.train.Checkpoint(
            step=self._step,
            parameters=self.parameters,
            optimizer=self._optimizer,
            **self.curves.variables,
        )
        self._manager = tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=1)
        self._train = tf.function(self._train_step, autograph=False)
        self._encode = tf.function(self._encode_windows, autograph=False)

    def run(
        self,
        windows: Windows,
        sampler: Sampler,
        teacher: Teacher | None,
        held_out: Callable[[], float],
        title: str,
    ) -> None:
        """Train to the end.

        Args:
            windows: all windows.
            sampler: draws the batches.
            teacher: the large model; None without a teacher.
            held_out: measures the accuracy on held-out windows, at every checkpoint.
            title: title of the progress bar.
        """
        go_on(self._manager)
        steps = self._lesson.steps
        for step in progress(range(int(self._step), steps), f"lite {title}"):
            batch = sampler.batch(step)
            mel, loudest, block = windows.speeches(batch.rows)
            scores = batch.targets if teacher is None else teacher(batch.rows)
            loss, accuracy = self._train(
                mel,
                loudest,
                self._hints.standard(block),
                scores,
                batch.speaker,
                batch.targets,
                batch.allowed,
                batch.is_voice,
                teacher is not None,
            )
            self.curves.record(step, loss, accuracy)
            self._step.assign(step + 1)
            if (step + 1) % _CHECKPOINT_STEPS == 0 or step + 1 == steps:
                self.curves.held_out[step].assign(held_out())
                self._manager.save()
        self._optimizer.finalize_variable_values(list(self.parameters.values()))

    def window_states(self, windows: Windows, rows: npt.NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return states and levels of windows, as ``classify`` takes them."""
        mel, loudest, _ = windows.speeches(rows)
        states, levels = self._encode(mel, loudest)
        return states, levels

    def statistics(self, windows: Windows, rows: npt.NDArray[np.int64]) -> FloatArray:
        """Return the speaker statistics of windows, ``(n, SPEAKER_SIZE)``."""
        states, levels = self.window_states(windows, rows)
        statistics: FloatArray = lite.statistics(states, levels, self.spectrum).numpy()
        return statistics

    def label_logits(self, windows: Windows, rows: npt.NDArray[np.int64]) -> FloatArray:
        """Return the label logits of windows without speaker statistics, ``(n, 8)``."""
        states, levels = self.window_states(windows, rows)
        cold = tf.zeros((1, lite.SPEAKER_SIZE))
        pooled = lite.pooled_states(states, levels, cold, self.parameters, 0.0)
        scores: FloatArray = classify(pooled, self.parameters, 0.0).numpy()
        return scores

    def _encode_windows(self, mel: Tensor, loudest: Tensor) -> tuple[Tensor, Tensor]:
        states, levels = lite.encode_streams(mel, loudest, self.parameters, self.spectrum)
        return states, self._window_levels(levels, loudest)

    def _train_step(
        self,
        mel: Tensor,
        loudest: Tensor,
        hints: Tensor,
        teacher: Tensor,
        speaker: Tensor,
        targets: Tensor,
        allowed: Tensor,
        is_voice: Tensor,
        taught: bool,
    ) -> tuple[Tensor, Tensor]:
        parameters = self.parameters
        variables = list(parameters.values())
        relative, levels = lite.relative_mel(mel, loudest), lite.levels_of(mel)
        relative = _hide_time(_hide_bands(relative, self.spectrum.mean), self.spectrum.mean)
        with tf.GradientTape() as tape:
            states = lite.hidden_states(relative, parameters, self.spectrum, lite.convolve_speeches)
            window_levels = self._window_levels(levels, loudest)
            pooled = lite.pooled_states(states, window_levels, speaker, parameters, 0.05)
            batch = tf.shape(pooled)[0]
            share, partner = mixing(batch), tf.random.shuffle(tf.range(batch))
            mixed = share * pooled + (1 - share) * tf.gather(pooled, partner)
            scores = classify(mixed, parameters, 0.2)
            loss = mixed_loss(scores, targets, allowed, share, partner)
            if taught:
                soft = tf.nn.softmax(teacher / _SOFTNESS)
                soft = share * soft + (1 - share) * tf.gather(soft, partner)
                taught_loss = tf.nn.softmax_cross_entropy_with_logits(soft, scores / _SOFTNESS)
                loss = 0.3 * loss + tf.reduce_mean(taught_loss * is_voice[:, 0]) * _SOFTNESS**2
            real, _ = masks(levels)
            unlike = tf.square(lite.hints(states, parameters) - hints) * real
            channels = tf.cast(tf.shape(hints)[2], tf.float32)
            unlike = tf.reduce_sum(unlike) / (tf.reduce_sum(real) * channels)
            loss += self._lesson.hint_weight * unlike
        gradients = tape.gradient(loss, variables)
        self._optimizer.apply(gradients, variables)
        return loss, share_right(scores, targets)

    def _window_levels(self, levels: Tensor, loudest: Tensor) -> Tensor:
        """Hide the states of a speech before its window; the window is its end.

        Padding follows a short speech, which is a window as a whole. The speech ends at the last
        state with a loudest level so far; states of digital silence in it, with level 0, count.
        """
        states = tf.range(1, levels.shape[1] + 1)[None]
        end = tf.reduce_max(states * tf.cast(loudest > 0, tf.int32), axis=1, keepdims=True)
        return levels * tf.cast(states > end - self._lesson.window_states, tf.float32)


def _hide_bands(mel: Tensor, mean: Tensor) -> Tensor:
    """Replace up to 16 neighbouring bands by their mean, as microphones lose bands."""
    return tf.where(_span(mel, mel.shape[2], 16.0)[:, None], mean, mel)


def _hide_time(mel: Tensor, mean: Tensor) -> Tensor:
    """Replace up to 0.3 s by the mean, so that the network uses the context."""
    return tf.where(_span(mel, mel.shape[1], 30.0)[:, :, None], mean, mel)


def _span(mel: Tensor, length: int, longest: float) -> Tensor:
    """Return a mask with one random stretch in each row, ``(batch, length)``."""
    batch = tf.shape(mel)[0]
    width = tf.random.uniform((batch, 1), 0, longest)
    start = tf.random.uniform((batch, 1), 0, float(length))
    at = tf.range(length, dtype=tf.float32)[None]
    return tf.logical_and(at >= start, at < start + width)
