"""Choose a label from probabilities, with hysteresis. Any kind of smoother can use it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

HELD_SHARE = 0.5
"""Hysteresis: a label is kept until its certainty falls below this fraction of
``uncertain_below``."""


@dataclass(frozen=True)
class HysteresisSettings:
    """When a label appears, changes and disappears.

    The certainty of a label is its probability, times that of a voice.

    Raises:
        ValueError: a value is out of range.
    """

    margin: float
    """Lead in probability with which another label ends the present one."""
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

    A label ends when it is no longer certain enough, or when another one leads. The most likely
    label takes its place if it is certain enough to appear. So a label never contradicts its own
    probabilities by more than the margin.
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
        settings, best, label = self._settings, int(probabilities.argmax()), self.label
        if label is not None:
            lead = probabilities[best] - probabilities[label]
            is_led = label != best and lead >= settings.margin
            if is_led or voice * probabilities[label] < HELD_SHARE * settings.uncertain_below:
                label = None
        if label is None and voice * probabilities[best] >= settings.entry_threshold(
            speech_seconds
        ):
            label = best
        self.label = label
