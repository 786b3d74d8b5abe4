"""Metadata of the training windows, and the selection of windows for a run."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

OWN = "own"
"""Corpus of a table of one's own, see :mod:`emotiond.models.training.data.table`."""
JOINED = "ravdess-joined"
"""Corpus of pairs of clips, see :mod:`emotiond.models.training.data.joining`."""
OWN_JOINED = "own-joined"
JOINED_OF = {"ravdess-speech": JOINED, OWN: OWN_JOINED}
"""The corpora of which folds are held out, each with the corpus of its pairs."""


@dataclass(frozen=True)
class Columns:
    """Metadata of training windows, one row per window."""

    label: npt.NDArray[np.int64]
    fold: npt.NDArray[np.int64]
    corpus: npt.NDArray[np.str_]
    speaker: npt.NDArray[np.str_]
    active_frames: npt.NDArray[np.int64]
    stream: npt.NDArray[np.int64]
    """Number of the varied clip from which the window comes."""
    varied: npt.NDArray[np.bool_]
    """Whether that clip got another voice, room and microphone."""

    def take(self, rows: npt.NDArray[np.int64]) -> Columns:
        """Return the metadata of these rows alone."""
        return Columns(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def rows_without(self, fold: int | None) -> npt.NDArray[np.int64]:
        """Return all rows except those of the voices of a fold. Noises have folds of their own."""
        return np.flatnonzero(~((self.label >= 0) & (self.fold == fold)))

    def rows_of(self, fold: int | None) -> npt.NDArray[np.int64]:
        """Return the rows of whole clips, RAVDESS speech or one's own, by the voices of a fold."""
        return np.flatnonzero(np.isin(self.corpus, [*JOINED_OF]) & (self.fold == fold))

    def one_of_each_stream(
        self, rows: npt.NDArray[np.int64], random: np.random.Generator
    ) -> npt.NDArray[np.int64]:
        """Return one of the rows for each stream, by chance in proportion to its speech."""
        # The row with the largest key u ** (1 / weight) is drawn in proportion to its weight;
        # Efraimidis and Spirakis, Weighted random sampling with a reservoir (2006).
        keys = np.log(random.random(rows.size)) / np.maximum(self.active_frames[rows], 1)
        order = np.lexsort((keys, self.stream[rows]))
        last = np.flatnonzero(np.diff(self.stream[rows][order], append=-1))
        chosen: npt.NDArray[np.int64] = rows[order[last]]
        return chosen
