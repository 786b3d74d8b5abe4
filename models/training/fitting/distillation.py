"""Trains the small network on labels, scores of a large model, and hidden states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.dsp.types import FloatArray
from emotiond.models.training.common.progress import progress
from emotiond.models.training.data.sampling import Sampler
from emotiond.models.training.fitting.curves import Curves, share_right
from emotiond.models.training.fitting.losses import mixed_loss, mixing
from emotiond.models.training.fitting.optimizer import Schedule, averaging_adamw
from emotiond.models.training.networks import lite
from emotiond.models.training.networks.heads import classify
from emotiond.models.training.networks.layers import Arrays, Tensor
from emotiond.models.training.networks.lite import Spectrum

_CHECKPOINT_STEPS = 200
_SOFTNESS = 2.0
"""Temperature of the distillation loss; Hinton et al. (2015)."""


@dataclass(frozen=True)
class Lesson(Schedule):
    """The schedule of one part of the small network's training."""

    hint_weight: float
    """Weight of the loss on the encoder's hidden states, beside labels and scores."""


class Distiller:
    """Trains the small network, resumable from its checkpoint folder.

    Args:
        start: initial values of the parameters.
        spectrum: moments of the training windows.
        lesson: the schedule and the weights of losses.
        sampler: draws the batches.
        folder: the folder of the checkpoints.
    """

    def __init__(
        self,
        start: Arrays,
        spectrum: Spectrum,
        lesson: Lesson,
        sampler: Sampler,
        folder: Path,
    ) -> None:
        self.spectrum = spectrum
        self._lesson = lesson
        self._sampler = sampler
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

    def run(
        self,
        features: npt.NDArray[np.float32],
        hints: npt.NDArray[np.float16],
        teacher: FloatArray | None,
        held_out: Callable[[], float],
        name: str,
    ) -> None:
        """Train to the end.

        Args:
            features: features of all windows.
            hints: standardised third block of the encoder, ``(n, time, 384)``.
            teacher: label logits of a large model, ``(n, 8)``; None to train on labels only.
            held_out: measures the accuracy on held-out windows, at every checkpoint.
            name: name of the run, for the progress bar.
        """
        self._manager.restore_or_initialize()
        steps = self._lesson.steps
        for step in progress(range(int(self._step), steps), f"lite {name}"):
            batch = self._sampler.batch(step)
            scores = batch.targets if teacher is None else teacher[batch.rows]
            loss, accuracy = self._train(
                features[batch.rows],
                hints[batch.rows].astype(np.float32),
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

    def label_logits(self, features: npt.NDArray[np.float32]) -> FloatArray:
        """Return the label logits of windows without speaker statistics, ``(n, 8)``."""
        mel, real, _ = lite.relative_mel(tf.constant(features))
        cold = tf.zeros((1, lite.SPEAKER_SIZE))
        hidden = lite.hidden_states(mel, cold, self.parameters, self.spectrum)
        pooled = lite.pooled_states(hidden, real, self.parameters, 0.0)
        scores: FloatArray = classify(pooled, self.parameters, 0.0).numpy()
        return scores

    def _train_step(
        self,
        features: Tensor,
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
        mel, real, _ = lite.relative_mel(features)
        mel = _hide_time(_hide_bands(mel, self.spectrum.mean), self.spectrum.mean)
        with tf.GradientTape() as tape:
            hidden = lite.hidden_states(mel, speaker, parameters, self.spectrum)
            pooled = lite.pooled_states(hidden, real, parameters, 0.05)
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
            unlike = tf.reduce_mean(tf.square(lite.hints(hidden, parameters) - hints))
            loss += self._lesson.hint_weight * unlike
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        return loss, share_right(scores, targets)


def _hide_bands(mel: Tensor, mean: FloatArray) -> Tensor:
    """Replace up to 16 neighbouring bands by their mean, as microphones lose bands."""
    return tf.where(_span(mel, mel.shape[2], 16.0)[:, None], tf.constant(mean), mel)


def _hide_time(mel: Tensor, mean: FloatArray) -> Tensor:
    """Replace up to 0.3 s by the mean, so that the network uses the context."""
    return tf.where(_span(mel, mel.shape[1], 30.0)[:, :, None], tf.constant(mean), mel)


def _span(mel: Tensor, length: int, longest: float) -> Tensor:
    """Return a mask with one random stretch in each row, ``(batch, length)``."""
    batch = tf.shape(mel)[0]
    width = tf.random.uniform((batch, 1), 0, longest)
    start = tf.random.uniform((batch, 1), 0, float(length))
    at = tf.range(length, dtype=tf.float32)[None]
    return tf.logical_and(at >= start, at < start + width)
