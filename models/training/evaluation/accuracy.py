"""Measures the accuracy and calibration of a classifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emotiond.dsp.types import FloatArray
from emotiond.inference.card import LABELS

Labels = npt.NDArray[np.int64]
_BINS = 15
_RESAMPLES = 2000


@dataclass(frozen=True)
class Calibration:
    """Accuracy of predictions, in bins of their confidence."""

    confidence: FloatArray
    """Mean score of each bin; NaN for an empty bin."""
    accuracy: FloatArray
    share: FloatArray
    """Share of all windows or clips in each bin."""

    @property
    def error(self) -> float:
        """Expected calibration error; Guo et al., *On Calibration of Modern Neural Networks*."""
        gaps = np.nan_to_num(np.abs(self.confidence - self.accuracy))
        return float(np.sum(gaps * self.share))


def accuracy(truth: Labels, found: Labels) -> float:
    """Return the share of equal entries; -1, no result, is wrong."""
    return float(np.mean(truth == found))


def confusion(truth: Labels, found: Labels) -> npt.NDArray[np.int64]:
    """Return ``[i, j]``: how often label ``i`` was classified as ``j``, without missing results."""
    matrix = np.zeros((len(LABELS), len(LABELS)), np.int64)
    known = found >= 0
    np.add.at(matrix, (truth[known], found[known]), 1)
    return matrix


def recalls(truth: Labels, found: Labels) -> FloatArray:
    """Return the recall of each label, ``(8,)``; NaN for a label that never occurs."""
    return np.array(
        [np.mean(found[truth == k] == k) if np.any(truth == k) else np.nan for k in range(8)]
    )


def per_class(truth: Labels, found: Labels) -> dict[str, dict[str, float]]:
    """Return precision, recall and F1 of each label."""
    table = {}
    for number, label in enumerate(LABELS):
        hits = float(np.sum((truth == number) & (found == number)))
        precision = hits / max(1, int(np.sum(found == number)))
        recall = hits / max(1, int(np.sum(truth == number)))
        f1 = 2 * precision * recall / max(1e-9, precision + recall)
        table[label] = {"precision": precision, "recall": recall, "f1": f1}
    return {name: {key: round(x, 4) for key, x in row.items()} for name, row in table.items()}


def summary(truth: Labels, found: Labels, groups: Sequence[str]) -> dict[str, Any]:
    """Return accuracy with its interval over groups, unweighted average recall, and classes."""
    low, high = bootstrap(accuracy, truth, found, groups)
    return {
        "accuracy": round(accuracy(truth, found), 4),
        "interval": [round(low, 4), round(high, 4)],
        "unweighted_average_recall": round(float(np.nanmean(recalls(truth, found))), 4),
        "per_class": per_class(truth, found),
        "confusion": confusion(truth, found).tolist(),
        "clips": int(truth.size),
    }


def bootstrap(
    figure: Callable[[Labels, Labels], float],
    truth: Labels,
    found: Labels,
    groups: Sequence[str],
) -> tuple[float, float]:
    """Return the 95 % interval of a figure by bootstrap over whole groups (actors)."""
    names = np.array(groups)
    members = [np.flatnonzero(names == name) for name in np.unique(names)]
    random = np.random.default_rng(0)
    figures = []
    for _ in range(_RESAMPLES):
        drawn = random.integers(len(members), size=len(members))
        rows = np.concatenate([members[i] for i in drawn])
        figures.append(figure(truth[rows], found[rows]))
    low, high = np.percentile(figures, (2.5, 97.5))
    return float(low), float(high)


def calibration(scores: FloatArray, truth: Labels) -> Calibration:
    """Compare the largest score of each row with the correctness of its label."""
    confidence, right = scores.max(axis=1), scores.argmax(axis=1) == truth
    edges = np.linspace(0, 1, _BINS + 1)
    bins = np.clip(np.digitize(confidence, edges) - 1, 0, _BINS - 1)
    members = [bins == b for b in range(_BINS)]
    return Calibration(
        np.array([confidence[m].mean() if m.any() else np.nan for m in members]),
        np.array([right[m].mean() if m.any() else np.nan for m in members]),
        np.array([m.mean() for m in members]),
    )
