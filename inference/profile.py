"""A voice profile: statistics of one voice by one model. It contains no sound."""

from __future__ import annotations

from dataclasses import dataclass

_FORMAT = 1
_LARGEST_STATISTIC = 1e6  # in standard deviations of the population, far beyond any voice
_MOST_SECONDS = 3600.0


@dataclass(frozen=True)
class Profile:
    """Statistics of a speaker's ordinary speech, for the model that measured them.

    Raises:
        ValueError: a value is out of range.
    """

    format: int
    model: str
    """Name of the model."""
    sha256: str
    """SHA-256 of its ``.tflite`` file. The statistics are meaningless for another model."""
    speech_seconds: float
    """Length of the speech that the mean is taken over."""
    mean: tuple[float, ...]
    """Mean of the model's statistics over that speech."""

    def __post_init__(self) -> None:
        if self.format != _FORMAT:
            raise ValueError(f"format is {self.format}, this version reads {_FORMAT}")
        if not 0 < self.speech_seconds <= _MOST_SECONDS:
            raise ValueError(f"speech_seconds must lie between 0 and {_MOST_SECONDS:g}")
        if not self.mean or max(map(abs, self.mean)) > _LARGEST_STATISTIC:
            raise ValueError("mean is not that of a voice")


def make_profile(
    model: str, sha256: str, speech_seconds: float, mean: tuple[float, ...]
) -> Profile:
    """Make a profile in the present format."""
    return Profile(_FORMAT, model, sha256, speech_seconds, mean)
