"""From jumping posteriors to a label that people can follow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dsp.types import FloatArray

HELD_SHARE = 0.5
"""Of what a label takes to appear in the end, what it takes to stay: so it does not flicker."""


@dataclass(frozen=True)
class SmoothingSettings:
    """How fast scores follow and how firmly a label holds; fitted with the model.

    Raises:
        ValueError: a value is out of range.
    """

    time_constant_seconds: float
    """Of the exponential average; 0 for none."""
    margin: float
    """By how much another label's score must lead before it can take over."""
    dwell_seconds: float
    """For how long it must lead by that much."""
    uncertain_below: float
    """Where there is no label, none appears until a smoothed score reaches this. Once there is
    one, that one or another stays until no score reaches :data:`HELD_SHARE` of it."""
    settling_seconds: float
    """Of speech in the window, from which on ``uncertain_below`` is enough: when a voice has just
    begun, a label takes certainty to appear, and evenly less as more is heard."""

    def __post_init__(self) -> None:
        times = (self.time_constant_seconds, self.dwell_seconds, self.settling_seconds)
        if not all(seconds >= 0 for seconds in times):
            raise ValueError("smoothing times must not be negative")
        if not (0 <= self.margin <= 1 and 0 <= self.uncertain_below <= 1):
            raise ValueError("smoothing.margin and uncertain_below must lie between 0 and 1")

    def wanted_score(self, speech_seconds: float) -> float:
        """What a label takes to appear where so much speech is in the window."""
        if speech_seconds >= self.settling_seconds:
            return self.uncertain_below
        return 1 - (1 - self.uncertain_below) * speech_seconds / self.settling_seconds


class Smoother:
    """Exponential average of the posteriors, then hysteresis on the label.

    The average is ``s += (1 - exp(-Δt/τ)) · (p - s)``, with ``s = p`` at first, so that its
    speed does not depend on the stride.
    """

    def __init__(self, settings: SmoothingSettings) -> None:
        self._settings = settings
        self.restart()

    def restart(self) -> None:
        """Forget everything: the next update is the first."""
        self.scores: npt.NDArray[np.float64] | None = None
        """Smoothed posteriors; None before the first update."""
        self.label: int | None = None
        """Index of the published label; None while uncertain."""
        self._challenger: int | None = None
        self._led_seconds = 0.0

    def update(self, posteriors: FloatArray, elapsed_seconds: float, speech_seconds: float) -> None:
        """Take a window's posteriors into account.

        Args:
            posteriors: shape ``(n_labels,)``.
            elapsed_seconds: audio since the previous update.
            speech_seconds: in the window.
        """
        settings = self._settings
        current = posteriors.astype(np.float64)
        if self.scores is None or settings.time_constant_seconds == 0:
            self.scores = current
        else:
            gain = 1 - math.exp(-elapsed_seconds / settings.time_constant_seconds)
            self.scores = self.scores + gain * (current - self.scores)
        if self.label is None:
            wanted = settings.wanted_score(speech_seconds)
        else:
            wanted = HELD_SHARE * settings.uncertain_below
        self._decide(self.scores, wanted, elapsed_seconds)

    def _decide(
        self, scores: npt.NDArray[np.float64], wanted: float, elapsed_seconds: float
    ) -> None:
        settings, leader = self._settings, int(scores.argmax())
        if scores[leader] < wanted:
            self.label = self._challenger = None
        elif self.label is None or leader == self.label:
            self.label, self._challenger = leader, None
        elif scores[leader] - scores[self.label] < settings.margin:
            self._challenger = None
        else:
            if leader == self._challenger:
                self._led_seconds += elapsed_seconds
            else:
                self._challenger, self._led_seconds = leader, 0.0
            if self._led_seconds >= settings.dwell_seconds:
                self.label, self._challenger = leader, None
