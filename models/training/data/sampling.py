"""Draws training batches with speaker statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotiond.dsp.types import FloatArray
from emotiond.models.training.common.model_input import TRAINING_PRIOR_SECONDS
from emotiond.models.training.data.columns import JOINED, JOINED_OF, OWN, OWN_JOINED, Columns
from emotiond.models.training.data.labels import allowed_labels, target_labels

FRAMES_PER_SECOND = 100


VOICES = {"ravdess-speech": 0.5, JOINED: 0.12, "ravdess-song": 0.14, "nemo": 0.24}
"""Shares of the labelled corpora in a batch."""
OWN_VOICES = {OWN: 0.85, OWN_JOINED: 0.15}
VOICES_AND_NOISES = {
    "ravdess-speech": 0.45,
    JOINED: 0.11,
    "ravdess-song": 0.13,
    "nemo": 0.22,
    "esc10": 0.06,
    "synthetic": 0.03,
}
_MOST_WINDOWS = 30
_WHOLE_OF = {joined: whole for whole, joined in JOINED_OF.items()}
"""The corpora of pairs, each with the corpus of their clips."""


@dataclass(frozen=True)
class Batch:
    """Rows to train on in one step."""

    rows: npt.NDArray[np.int64]
    targets: npt.NDArray[np.float32]
    allowed: npt.NDArray[np.float32]
    is_voice: npt.NDArray[np.float32]
    speaker: npt.NDArray[np.float32]
    """Speaker statistics, ``(batch, SPEAKER_SIZE)``; zeros for half of the rows."""


class Sampler:
    """Draws batches. Step ``n`` of a seed is always the same, so that training can resume.

    Args:
        columns: metadata of all windows.
        rows: the rows that may be drawn. A row is drawn in proportion to its speech. Each stream
            of a corpus is drawn equally often, except that half of the draws are unvaried clips if
            the corpus has both. Each label of one's own clips is drawn equally often, since their
            number says how they were collected, not how people feel.
        measured: one row of each stream, whose statistics are known.
        statistics: their statistics, ``(n, SPEAKER_SIZE)``.
        batch_size: rows in a batch.
        shares: shares of the corpora in a batch.
        seed: the seed of all batches.
    """

    def __init__(
        self,
        columns: Columns,
        rows: npt.NDArray[np.int64],
        measured: npt.NDArray[np.int64],
        statistics: FloatArray,
        batch_size: int,
        shares: Mapping[str, float],
        seed: int,
    ) -> None:
        self._seed = seed
        self._statistics = statistics
        self._seconds = columns.active_frames / FRAMES_PER_SECOND
        self._targets = target_labels(columns.label, columns.corpus)
        self._allowed = allowed_labels(columns.corpus)
        self._voice = (columns.label >= 0).astype(np.float32)[:, None]
        self._groups = _groups(columns, rows, batch_size, shares)
        whole = np.array([_WHOLE_OF.get(name, name) for name in columns.corpus.tolist()])
        self._key = np.char.add(np.char.add(whole, "/"), columns.speaker)
        self._measured_seconds = self._seconds[measured]
        own = np.flatnonzero(~np.isin(columns.corpus[measured], [*_WHOLE_OF]))
        keys = self._key[measured[own]]
        self._of_speaker: Mapping[str, npt.NDArray[np.int64]] = {
            key: own[keys == key] for key in np.unique(keys).tolist()
        }

    def batch(self, step: int) -> Batch:
        """Return the batch of one step."""
        random = np.random.default_rng((self._seed, step))
        rows = np.concatenate([group.draw(n, random) for group, n in self._groups])
        speaker = np.stack([self._speaker(int(row), random) for row in rows])
        return Batch(rows, self._targets[rows], self._allowed[rows], self._voice[rows], speaker)

    def _speaker(self, row: int, random: np.random.Generator) -> FloatArray:
        """Return statistics that a stream might have of this window's speaker."""
        others = self._of_speaker.get(str(self._key[row]))
        if not self._voice[row] or others is None or random.random() < 0.5:
            return np.zeros(self._statistics.shape[1], np.float32)
        chosen = random.choice(others, int(random.integers(1, _MOST_WINDOWS + 1)))
        seconds = self._measured_seconds[chosen]
        weights = (seconds / (seconds.sum() + TRAINING_PRIOR_SECONDS)).astype(np.float32)
        speaker: FloatArray = weights @ self._statistics[chosen]
        return speaker


@dataclass(frozen=True)
class _Group:
    """The rows of one corpus."""

    rows: npt.NDArray[np.int64]
    cumulated: npt.NDArray[np.float64]
    """Probability of each row and those before it."""

    def draw(self, n: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
        return self.rows[np.searchsorted(self.cumulated, random.random(n), side="right")]


def _groups(
    columns: Columns, rows: npt.NDArray[np.int64], batch_size: int, shares: Mapping[str, float]
) -> list[tuple[_Group, int]]:
    """Return the rows of each available corpus, and their number in a batch."""
    members = {name: rows[columns.corpus[rows] == name] for name in shares}
    sizes = {name: round(shares[name] * batch_size) for name in shares if members[name].size}
    sizes[next(iter(sizes))] += batch_size - sum(sizes.values())
    return [
        (_group(columns, members[name], balanced=name in OWN_VOICES), size)
        for name, size in sizes.items()
    ]


def _group(columns: Columns, rows: npt.NDArray[np.int64], balanced: bool) -> _Group:
    weights = np.maximum(columns.active_frames[rows], 1).astype(np.float64)
    _, number = np.unique(columns.stream[rows], return_inverse=True)
    weights /= np.bincount(number, weights)[number]
    varied = columns.varied[rows]
    if varied.any() and not varied.all():
        weights /= np.bincount(varied, weights)[varied.astype(np.int64)]
    if balanced:
        labels = columns.label[rows]
        weights /= np.bincount(labels, weights)[labels]
    return _Group(rows, np.cumsum(weights / weights.sum())[:-1])
