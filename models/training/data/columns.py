"""Metadata of the training windows, and the selection of windows for a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Columns:
    """Metadata of training windows, one row per window."""

    label: npt.NDArray[np.int64]
    fold: npt.NDArray[np.int64]
    corpus: npt.NDArray[np.str_]
    speaker: npt.NDArray[np.str_]
    active_frames: npt.NDArray[np.int64]

    def rows_without(self, fold: int | None) -> npt.NDArray[np.int64]:
        """Return all rows except those of the RAVDESS actors of a fold, speech and song."""
        ravdess = np.char.startswith(self.corpus, "ravdess")
        return np.flatnonzero(~(ravdess & (self.fold == fold)))

    def rows_of(self, fold: int | None) -> npt.NDArray[np.int64]:
        """Return the rows of RAVDESS speech by the actors of a fold."""
        return np.flatnonzero((self.corpus == "ravdess-speech") & (self.fold == fold))
