"""What every kind of smoother fulfils."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from emotiond.dsp.types import FloatArray


class Smoother(Protocol):
    """Turns the posteriors of one stream into scores and a label. It belongs to one thread."""

    @property
    def scores(self) -> npt.NDArray[np.float64] | None:
        """Smoothed posteriors, shape ``(n_labels,)``; they sum to 1.

        None before the first update after :meth:`restart` or :meth:`end_speech`.
        """

    @property
    def label(self) -> int | None:
        """Index of the label; None while none is certain enough."""

    def restart(self) -> None:
        """Forget all windows. The next update is the first of a stream."""

    def end_speech(self) -> None:
        """Withdraw scores and label at the end of speech. Earlier windows may still count."""

    def update(
        self,
        posteriors: FloatArray,
        voice: float,
        elapsed_seconds: float,
        new_speech_seconds: float,
        speech_seconds: float,
    ) -> None:
        """Update scores and label with the next window.

        Windows overlap: the speech of a window is partly the speech of the one before.

        Args:
            posteriors: shape ``(n_labels,)``; they sum to 1.
            voice: probability that the window contains a voice.
            elapsed_seconds: audio since the previous update, including pauses.
            new_speech_seconds: speech in the window that no earlier update contained.
            speech_seconds: all speech in the window.
        """


class SmootherSettings(Protocol):
    """The settings of one kind of smoother: a frozen dataclass. Its fields are keys of a card."""

    def check_window(self, window_seconds: float) -> None:
        """Check the settings against the length of the model's full window.

        Raises:
            ValueError: they do not fit such a window.
        """

    def smoother(self) -> Smoother:
        """Make a smoother with these settings for a new stream."""
