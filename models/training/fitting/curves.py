"""How a training went, kept in its checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.models.training.common.files import save_arrays
from emotiond.models.training.networks.layers import Tensor


class Curves:
    """Of every step: loss, accuracy on its labelled windows, and on windows of people left out.

    By the weights of that step, whose running average is what ships. Accuracy is NaN where it
    was not measured. Nothing is chosen by it.
    """

    def __init__(self, steps: int) -> None:
        self.loss = tf.Variable(tf.zeros(steps))
        self.accuracy = tf.Variable(tf.fill((steps,), np.nan))
        self.held_out = tf.Variable(tf.fill((steps,), np.nan))

    @property
    def variables(self) -> dict[str, Tensor]:
        """By name, for a checkpoint."""
        return {"loss": self.loss, "accuracy": self.accuracy, "held_out": self.held_out}

    def note(self, step: int, loss: Tensor, accuracy: Tensor) -> None:
        """What one step came to."""
        self.loss[step].assign(loss)
        self.accuracy[step].assign(accuracy)

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """All of it, an array of all steps each."""
        return {
            "loss": self.loss.numpy(),
            "accuracy": self.accuracy.numpy(),
            "held_out": self.held_out.numpy(),
        }


def save_curves(path: Path, parts: Sequence[Curves]) -> None:
    """Write the histories of parts of a training, one after the other, as ``.npz``."""
    every = [part.arrays() for part in parts]
    save_arrays(path, {name: np.concatenate([part[name] for part in every]) for name in every[0]})


def share_right(scores: Tensor, targets: Tensor) -> Tensor:
    """Share of the labelled windows whose best score is that of a right label; scalar."""
    labelled = tf.reduce_max(targets, axis=1)
    right = tf.gather(targets, tf.argmax(scores, axis=1), batch_dims=1)
    return tf.reduce_sum(right) / tf.maximum(tf.reduce_sum(labelled), 1.0)
