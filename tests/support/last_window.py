"""An example smoother: it uses only the last window, and its best label needs a majority."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotiond.dsp.types import FloatArray


@dataclass(frozen=True)
class LastWindowSettings:
    """How likely a label must be.

    Raises:
        ValueError: it is not a probability.
    """

    majority: float
    """Score at which the best label appears."""

    def __post_init__(self) -> None:
        if not 0 <= self.majority <= 1:
            raise ValueError("smoothing.majority must lie between 0 and 1")

    def check_window(self, window_seconds: float) -> None:
        """Accept a window of any length."""

    def smoother(self) -> LastWindow:
        return LastWindow(self)


class LastWindow:
    """Publishes posteriors as they are."""

    def __init__(self, settings: LastWindowSettings) -> None:
        self._settings = settings
        self.restart()

    def restart(self) -> None:
        self.end_speech()

    def end_speech(self) -> None:
        self.scores: npt.NDArray[np.float64] | None = None
        self.label: int | None = None

    def update(
        self,
        posteriors: FloatArray,
        voice: float,
        elapsed_seconds: float,
        new_speech_seconds: float,
        speech_seconds: float,
    ) -> None:
        self.scores = posteriors.astype(np.float64)
        best = int(posteriors.argmax())
        self.label = best if posteriors[best] >= self._settings.majority else None
