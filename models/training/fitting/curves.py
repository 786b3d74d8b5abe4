"""Training curves, kept in the checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.models.training.common.files import save_arrays
from emotiond.models.training.networks.layers import Tensor


class Curves:
    """Loss, accuracy on the labelled windows, and accuracy on held-out windows, for every step.

    They are measured with the weights of the step; the running average of the weights ships.
    Accuracy is NaN where it was not measured. No choice depends on it.
    """

    def __init__(self, steps: int) -> None:
        self.loss = tf.Variable(tf.zeros(steps))
        self.accuracy = tf.Variable(tf.fill((steps,), np.nan))
        self.held_out = tf.Variable(tf.fill((steps,), np.nan))

    @property
    def variables(self) -> dict[str, Tensor]:
        """The variables by name, for a checkpoint."""
        return {"loss": self.loss, "accuracy": self.accuracy, "held_out": self.held_out}

    def record(self, step: int, loss: Tensor, accuracy: Tensor) -> None:
        """Record the results of one step."""
        self.loss[step].assign(loss)
        self.accuracy[step].assign(accuracy)

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return each curve as an array over the steps."""
        return {
            "loss": self.loss.numpy(),
            "accuracy": self.accuracy.numpy(),
            "held_out": self.held_out.numpy(),
        }


def save_curves(path: Path, parts: Sequence[Curves]) -> None:
    """Write the curves of consecutive parts of a training as one ``.npz`` file."""
    every = [part.arrays() for part in parts]
    save_arrays(path, {name: np.concatenate([part[name] for part in every]) for name in every[0]})


def share_right(scores: Tensor, targets: Tensor) -> Tensor:
    """Return the share of labelled windows whose highest score is a right label; scalar."""
    labelled = tf.reduce_max(targets, axis=1)
    right = tf.gather(targets, tf.argmax(scores, axis=1), batch_dims=1)
    return tf.reduce_sum(right) / tf.maximum(tf.reduce_sum(labelled), 1.0)
