"""Puts decoded sound where the times of its container want it.

A container says when each packet is heard. Its sound may begin after the picture, and have holes.
The last packet may be longer than the sound that was encoded: encoders work in whole frames, with a
delay before the sound and padding behind. FFmpeg cuts the delay off, as the edit list of MP4 or the
``CodecDelay`` of Matroska says. It leaves the padding of MP4, where the edit list names the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from emotiond.dsp.types import FloatArray

_JITTER_SECONDS = 0.1
"""Times of packets may be rounded, and clocks drift: a smaller hole is none."""

_LONGEST_PADDING_SECONDS = 0.2
"""More than this behind the end that the container names is sound: then the end is wrong."""

_SILENCE_SECONDS = 1.0  # at once, in a hole
_LENGTH = 3  # delay and padding come before it


class Packet(NamedTuple):
    """Samples as they are decoded."""

    seconds: float | None
    """When they are heard, by the container's clock; None if it does not say."""
    sample_rate: int
    """Hz."""
    samples: FloatArray
    """Shape ``(n, channels)``."""


class Sound(NamedTuple):
    """The next samples."""

    sample_rate: int
    """Hz."""
    samples: FloatArray
    """Shape ``(n, channels)``."""


@dataclass(frozen=True)
class Timeline:
    """When the sound of a track is heard, in seconds from the first moment of its container."""

    is_timed: bool
    """Whether the container has times of its own."""
    origin_seconds: float
    """The first moment of the longest track, by the container's clock."""
    container_seconds: float | None
    """How long the longest track lasts; None if unknown. Times behind that are broken."""
    end_seconds: float | None
    """Where the sound ends; None if the container does not say that to the sample."""

    def presented(self, packets: Iterable[Packet]) -> Iterator[Sound]:
        """Yield the sound of the packets, with silence where there is none, up to its end."""
        sounds = self._in_time(packets)
        return sounds if self.end_seconds is None else _up_to(sounds, self.end_seconds)

    def _in_time(self, packets: Iterable[Packet]) -> Iterator[Sound]:
        position = 0.0
        for seconds, rate, samples in packets:
            hole = self._hole(seconds, position)
            position += hole + samples.shape[0] / rate
            while hole > 0:
                silent = round(min(hole, _SILENCE_SECONDS) * rate)
                yield Sound(rate, np.zeros((silent, samples.shape[1]), np.float32))
                hole -= _SILENCE_SECONDS
            yield Sound(rate, samples)

    def _hole(self, seconds: float | None, position: float) -> float:
        """Return how much silence comes before a packet, in seconds. An early packet waits."""
        if not self.is_timed or seconds is None:
            return 0.0
        start = seconds - self.origin_seconds
        is_broken = self.container_seconds is not None and start > self.container_seconds
        hole = start - position
        return 0.0 if is_broken or hole < _JITTER_SECONDS else hole


def _up_to(sounds: Iterable[Sound], end_seconds: float) -> Iterator[Sound]:
    """Leave out the padding behind the end."""
    position = behind_seconds = 0.0
    behind: list[Sound] = []
    for rate, samples in sounds:
        inside = min(samples.shape[0], max(0, round((end_seconds - position) * rate)))
        position += samples.shape[0] / rate
        if inside:
            yield Sound(rate, samples[:inside])
        if inside < samples.shape[0]:
            behind.append(Sound(rate, samples[inside:]))
            behind_seconds += (samples.shape[0] - inside) / rate
        if behind_seconds > _LONGEST_PADDING_SECONDS:
            yield from behind
            behind.clear()


def apple_length(counts: str) -> int | None:
    """Return how many samples were encoded, from Apple's ``iTunSMPB``; None if it does not say.

    Args:
        counts: a zero, delay, padding and length in samples, and more, in hexadecimal.
    """
    words = counts.split()
    try:
        return int(words[_LENGTH], 16) or None
    except (IndexError, ValueError):
        return None
