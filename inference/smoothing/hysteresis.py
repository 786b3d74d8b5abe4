"""Choose a label from probabilities, with hysteresis. Any kind of smoother can use it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

HELD_SHARE = 0.5
"""Hysteresis: a label is kept until the certainty falls below this fraction of
``uncertain_below``."""


@dataclass(frozen=True)
class HysteresisSettings:
    """When a label appears, changes and disappears.

    The certainty is the probability of the most likely label, times that of a voice.

    Raises:
        ValueError: a value is out of range.
    """

    margin: float
    """Lead in probability that another label needs to replace the present one."""
    uncertain_below: float
    """Entry threshold: certainty at which a label appears."""
    settling_seconds: float
    """While a window contains less speech than this, the entry threshold is higher: it falls
    linearly from 1, without any speech, to ``uncertain_below``."""

    def __post_init__(self) -> None:
        if not self.settling_seconds >= 0:
            raise ValueError("smoothing.settling_seconds must not be negative")
        if not (0 <= self.margin <= 1 and 0 <= self.uncertain_below <= 1):
            raise ValueError("smoothing.margin and uncertain_below must lie between 0 and 1")

    def check_window(self, window_seconds: float) -> None:
        """Check that the entry threshold settles within a full window.

        Raises:
            ValueError: it does not.
        """
        if self.settling_seconds > window_seconds:
            raise ValueError("smoothing.settling_seconds must not exceed the window")

    def entry_threshold(self, speech_seconds: float) -> float:
        """Return the certainty at which a label appears, given the speech in the window."""
        if speech_seconds >= self.settling_seconds:
            return self.uncertain_below
        return 1 - (1 - self.uncertain_below) * speech_seconds / self.settling_seconds


class Hysteresis:
    """The label of one stream.

    The probabilities alone decide which label it is. The certainty decides whether there is one.
    """

    def __init__(self, settings: HysteresisSettings) -> None:
        self._settings = settings
        self.restart()

    def restart(self) -> None:
        """Withdraw the label. The next one must reach the entry threshold."""
        self.label: int | None = None
        """Index of the label; None while none is certain enough."""

    def update(
        self, probabilities: npt.NDArray[np.float64], voice: float, speech_seconds: float
    ) -> None:
        """Choose the label after the next window.

        Args:
            probabilities: of the labels, shape ``(n_labels,)``.
            voice: probability that the window contains a voice.
            speech_seconds: speech in the window.
        """
        settings, best = self._settings, int(probabilities.argmax())
        certainty = voice * probabilities[best]
        if self.label is None:
            if certainty >= settings.entry_threshold(speech_seconds):
                self.label = best
        elif certainty < HELD_SHARE * settings.uncertain_below:
            self.label = None
        else:
            lead = probabilities[best] - probabilities[self.label]
            if best != self.label and lead >= settings.margin:
                self.label = best
