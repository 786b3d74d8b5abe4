"""What of a window's statistics is the emotion's, and so must not pass for the speaker's own.

Without this, whoever speaks calmly for three minutes is no longer heard as calm.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.dsp.types import FloatArray
from emotiond.models.encoder import Tensor
from emotiond.models.heads import N_LABELS
from emotiond.models.sampling import Columns

_CORPUS = "ravdess-speech"
"""Everybody in it expresses all labels."""
_TEMPERATURE = 0.6
"""At which posteriors of people that a model never heard are as high as they are right."""
_KNOWN_SHARE = 0.65
"""Probability that these posteriors give to the truth, in the mean."""


def measure_expression(
    statistics: FloatArray, columns: Columns, rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """How each label moves a speaker's statistics from his mean over labels.

    Args:
        statistics: of all windows, ``(n, size)``.
        columns: of all windows.
        rows: those of them to measure.

    Returns:
        ``(n_labels, size)``, mean over speakers.
    """
    rows = rows[columns.corpus[rows] == _CORPUS]
    moved = np.zeros((N_LABELS, statistics.shape[1]))
    speakers = np.zeros((N_LABELS, 1))
    for name in np.unique(columns.speaker[rows]):
        own = rows[columns.speaker[rows] == name]
        labels = np.unique(columns.label[own])
        parts = [own[columns.label[own] == label] for label in labels]
        means = np.stack(
            [np.average(statistics[p], axis=0, weights=columns.active_frames[p]) for p in parts]
        )
        moved[labels] += means - means.mean(axis=0)
        speakers[labels] += 1
    means_moved: npt.NDArray[np.float32] = (moved / np.maximum(speakers, 1)).astype(np.float32)
    return means_moved


def speakers_own(statistics: Tensor, logits: Tensor, expression: Tensor) -> Tensor:
    """Statistics without what is likely to be the emotion's, ``(batch, size)``.

    The posteriors of somebody who expresses one emotion hold others, too, and rows of
    ``expression`` add up to nothing: divided by the share that is right, what is taken away is
    right in the mean, however long one emotion lasts.

    Args:
        statistics: of windows, ``(batch, size)``.
        logits: of their labels, ``(batch, n_labels)``.
        expression: see :func:`measure_expression`.
    """
    posteriors = tf.nn.softmax(logits / _TEMPERATURE)
    return statistics - posteriors @ (expression / _KNOWN_SHARE)
