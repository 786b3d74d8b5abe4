"""What is known of training windows, and which of them a run may see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Columns:
    """What is known of training windows beside their sound, a row per window."""

    label: npt.NDArray[np.int64]
    fold: npt.NDArray[np.int64]
    corpus: npt.NDArray[np.str_]
    speaker: npt.NDArray[np.str_]
    active_frames: npt.NDArray[np.int64]

    def rows_without(self, fold: int | None) -> npt.NDArray[np.int64]:
        """All rows but those of the RAVDESS actors of a fold, speech or song."""
        ravdess = np.char.startswith(self.corpus, "ravdess")
        return np.flatnonzero(~(ravdess & (self.fold == fold)))

    def rows_of(self, fold: int | None) -> npt.NDArray[np.int64]:
        """Rows of RAVDESS speech of a fold's actors."""
        return np.flatnonzero((self.corpus == "ravdess-speech") & (self.fold == fold))
