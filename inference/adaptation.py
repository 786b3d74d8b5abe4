"""Adapt to one voice: slowly, without labels, and within bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emotiond.dsp.types import FloatArray
from emotiond.inference.profile import Profile


@dataclass(frozen=True)
class AdaptationSettings:
    """How to accumulate a speaker's statistics. Training used the same values.

    Raises:
        ValueError: a value is out of range.
    """

    prior_seconds: float
    """Weight of the population's mean, as seconds of speech. Adaptation starts from this mean."""
    horizon_seconds: float
    """Time constant with which older speech loses its weight, in seconds of speech."""
    bound: float
    """Limit of each statistic, ± this many standard deviations of the population."""

    def __post_init__(self) -> None:
        if self.prior_seconds <= 0 or self.horizon_seconds <= 0 or self.bound <= 0:
            raise ValueError("adaptation.prior_seconds, horizon_seconds and bound must be positive")


class Speaker:
    """Running statistics of one speaker, for the model's ``speaker`` input.

    Args:
        settings: those of the model's card.
        size: length of the model's statistics.
        profile: a known voice. Its speech adds to the weight of the population's mean and, like
            it, never loses weight. None starts from the population alone.
    """

    def __init__(
        self, settings: AdaptationSettings, size: int, profile: Profile | None = None
    ) -> None:
        self._settings = settings
        self._sum = np.zeros(size, np.float64)
        self._seconds = 0.0
        self._prior_sum = np.zeros(size, np.float64)
        self._prior_seconds = settings.prior_seconds
        if profile is not None:
            self._prior_sum += profile.speech_seconds * np.array(profile.mean)
            self._prior_seconds += profile.speech_seconds

    @property
    def vector(self) -> FloatArray:
        """The statistics, shape ``(size,)``, float32; zeros for an unknown speaker."""
        mean = (self._prior_sum + self._sum) / (self._prior_seconds + self._seconds)
        bound = self._settings.bound
        return np.clip(mean, -bound, bound).astype(np.float32)

    @property
    def speech_seconds(self) -> float:
        """Weight of the stream's own speech, without that of a profile."""
        return self._seconds

    @property
    def mean(self) -> FloatArray:
        """Statistics of the stream's own speech, shape ``(size,)``. Call :meth:`update` first."""
        return self._sum / self._seconds

    def update(self, statistics: FloatArray, speech_seconds: float) -> None:
        """Add the statistics of a window.

        Args:
            statistics: shape ``(size,)``.
            speech_seconds: speech in the window that no earlier update contained.
        """
        fade = np.exp(-speech_seconds / self._settings.horizon_seconds)
        self._sum = fade * self._sum + speech_seconds * statistics
        self._seconds = float(fade * self._seconds + speech_seconds)
