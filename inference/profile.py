"""What is kept of one person's voice: statistics of one model, and no sound."""

from __future__ import annotations

from dataclasses import dataclass

_FORMAT = 1
_LARGEST_STATISTIC = 1e6  # of the population's standard deviations: far beyond any voice
_MOST_SECONDS = 3600.0


@dataclass(frozen=True)
class Profile:
    """The statistics of a speaker's ordinary speech, for the model that they were taken by.

    Raises:
        ValueError: a value is out of range.
    """

    format: int
    model: str
    """Name of the model."""
    sha256: str
    """Of its ``.tflite`` file: to another model the statistics mean nothing."""
    speech_seconds: float
    """Of speech, that they were taken from."""
    mean: tuple[float, ...]
    """As the model gives them, averaged over that speech."""

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
    """A profile in the present format."""
    return Profile(_FORMAT, model, sha256, speech_seconds, mean)
