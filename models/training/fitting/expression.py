"""Measures how emotions shift a speaker's statistics."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emotiond.dsp.types import FloatArray
from emotiond.models.training.data.columns import Columns
from emotiond.models.training.networks.heads import N_LABELS

_CORPUS = "ravdess-speech"
"""In this corpus every speaker expresses all labels."""


def measure_expression(statistics: FloatArray, columns: Columns) -> npt.NDArray[np.float32]:
    """Measure how each label shifts a speaker's statistics from the mean over labels.

    Args:
        statistics: statistics of windows, ``(n, size)``.
        columns: metadata of these windows.

    Returns:
        ``(n_labels, size)``, mean over speakers.
    """
    rows = np.flatnonzero(columns.corpus == _CORPUS)
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
