"""Getting used to one voice: slowly, without labels, and never far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dsp.types import FloatArray


@dataclass(frozen=True)
class AdaptationSettings:
    """How a speaker's statistics are gathered; fitted with the model.

    Raises:
        ValueError: a value is out of range.
    """

    prior_seconds: float
    """The population counts as so much speech: adaptation starts from it."""
    horizon_seconds: float
    """Older speech fades with this time constant."""
    bound: float
    """Statistics are kept within ± this many of the population's standard deviations."""

    def __post_init__(self) -> None:
        if self.prior_seconds <= 0 or self.horizon_seconds <= 0 or self.bound <= 0:
            raise ValueError("adaptation.prior_seconds, horizon_seconds and bound must be positive")


class Speaker:
    """Running statistics of one speaker, as the model's ``speaker`` input takes them.

    Args:
        settings: of the model's card.
        size: length of the model's statistics.
    """

    def __init__(self, settings: AdaptationSettings, size: int) -> None:
        self._settings = settings
        self._sum = np.zeros(size, np.float64)
        self._seconds = 0.0

    @property
    def vector(self) -> FloatArray:
        """Shape ``(size,)``, float32; all zeros before anything was heard."""
        mean = self._sum / (self._seconds + self._settings.prior_seconds)
        bound = self._settings.bound
        return np.clip(mean, -bound, bound).astype(np.float32)

    def update(self, statistics: FloatArray, speech_seconds: float) -> None:
        """Take a window's statistics into account, for the speech that is new in it."""
        fade = np.exp(-speech_seconds / self._settings.horizon_seconds)
        self._sum = fade * self._sum + speech_seconds * statistics
        self._seconds = float(fade * self._seconds + speech_seconds)
