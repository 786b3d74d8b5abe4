"""Goes on with a training from its checkpoint."""

from __future__ import annotations

import tensorflow as tf

from emotiond.exceptions import DataError


def go_on(manager: tf.train.CheckpointManager) -> None:
    """Restore the latest checkpoint; without one, leave everything as it is.

    Raises:
        DataError: it is of another training, or damaged.
    """
    try:
        manager.restore_or_initialize()
    except (ValueError, LookupError, tf.errors.OpError):  # each is TensorFlow's word for a misfit
        tf.get_logger().setLevel("ERROR")  # it would list what it did not restore, at the end
        raise DataError(
            f"{manager.directory} holds a training of another length or network, or is damaged",
            "Give the --scale that it began with, or an empty folder",
        ) from None
