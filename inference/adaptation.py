"""Getting used to one voice: slowly, without labels, and never far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emotiond.dsp.types import FloatArray
from emotiond.inference.profile import Profile


@dataclass(frozen=True)
class AdaptationSettings:
    """How a speaker's statistics are gathered, as the model was trained with.

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
        profile: of a voice that is known already. Its speech counts beside the population's
            and fades as little; None starts from the population alone.
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
        """Shape ``(size,)``, float32; all zeros where nothing is known and nothing was heard."""
        mean = (self._prior_sum + self._sum) / (self._prior_seconds + self._seconds)
        bound = self._settings.bound
        return np.clip(mean, -bound, bound).astype(np.float32)

    @property
    def speech_seconds(self) -> float:
        """Of the speech heard, as far as it has not faded; a profile's is not among it."""
        return self._seconds

    @property
    def mean(self) -> FloatArray:
        """Statistics of that speech alone, ``(size,)``; there must have been some."""
        return self._sum / self._seconds

    def update(self, statistics: FloatArray, speech_seconds: float) -> None:
        """Take a window's statistics into account, for the speech that is new in it."""
        fade = np.exp(-speech_seconds / self._settings.horizon_seconds)
        self._sum = fade * self._sum + speech_seconds * statistics
        self._seconds = float(fade * self._seconds + speech_seconds)
