"""Draw training batches, and the speaker statistics that go with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotiond.dsp.types import FloatArray
from emotiond.models.training.common.model_input import PRIOR_SECONDS
from emotiond.models.training.data.columns import Columns
from emotiond.models.training.data.labels import allowed_labels, target_labels

FRAMES_PER_SECOND = 100


VOICES = {"ravdess-speech": 0.62, "ravdess-song": 0.14, "nemo": 0.24}
"""Shares of a batch of corpora with labels."""
VOICES_AND_NOISES = {
    "ravdess-speech": 0.56,
    "ravdess-song": 0.13,
    "nemo": 0.22,
    "esc10": 0.06,
    "synthetic": 0.03,
}
_MOST_WINDOWS = 30


@dataclass(frozen=True)
class Batch:
    """Rows to train on in one step."""

    rows: npt.NDArray[np.int64]
    targets: npt.NDArray[np.float32]
    allowed: npt.NDArray[np.float32]
    is_voice: npt.NDArray[np.float32]
    speaker: npt.NDArray[np.float32]
    """Statistics to adapt by, ``(batch, SPEAKER_SIZE)``; zeros for half of them."""


class Sampler:
    """Draws batches; step ``n`` of a seed is always the same, so that training can resume.

    Args:
        columns: of all windows.
        rows: those of them that may be drawn.
        statistics: of all windows, ``(n, SPEAKER_SIZE)``.
        batch_size: rows in a batch.
        shares: of corpora in it.
        seed: of the order.
    """

    def __init__(
        self,
        columns: Columns,
        rows: npt.NDArray[np.int64],
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
        self._groups = _groups(columns.corpus, rows, batch_size, shares)
        self._key = np.char.add(np.char.add(columns.corpus, "/"), columns.speaker)
        self._of_speaker: Mapping[str, npt.NDArray[np.int64]] = {
            key: rows[self._key[rows] == key] for key in np.unique(self._key[rows]).tolist()
        }

    def batch(self, step: int) -> Batch:
        """The rows of one step."""
        random = np.random.default_rng((self._seed, step))
        rows = np.concatenate([random.choice(group, n) for group, n in self._groups])
        speaker = np.stack([self._speaker(int(row), random) for row in rows])
        return Batch(rows, self._targets[rows], self._allowed[rows], self._voice[rows], speaker)

    def _speaker(self, row: int, random: np.random.Generator) -> FloatArray:
        """What a stream might know of this window's speaker by now."""
        if not self._voice[row] or random.random() < 0.5:
            return np.zeros(self._statistics.shape[1], np.float32)
        others = self._of_speaker[str(self._key[row])]
        chosen = random.choice(others, int(random.integers(1, _MOST_WINDOWS + 1)))
        seconds = self._seconds[chosen]
        weights = (seconds / (seconds.sum() + PRIOR_SECONDS)).astype(np.float32)
        speaker: FloatArray = weights @ self._statistics[chosen]
        return speaker


def _groups(
    corpus: npt.NDArray[np.str_],
    rows: npt.NDArray[np.int64],
    batch_size: int,
    shares: Mapping[str, float],
) -> list[tuple[npt.NDArray[np.int64], int]]:
    """Rows of each corpus at hand, and how many of them a batch takes."""
    members = {name: rows[corpus[rows] == name] for name in shares}
    sizes = {name: round(shares[name] * batch_size) for name in shares if members[name].size}
    sizes[next(iter(sizes))] += batch_size - sum(sizes.values())
    return [(members[name], size) for name, size in sizes.items()]
