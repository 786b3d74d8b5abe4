"""A source without a thread: its reader asks for each block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from emotiond.dsp.types import FloatArray
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.sources.source import About, OnStatus, Switch


class Reading(Protocol):
    """Audio that is read block by block."""

    sample_rate: int
    """Hz."""
    channels: int

    def read(self) -> FloatArray:
        """Return the next samples, shape ``(n, channels)``; ``n`` is 0 at the end."""

    def close(self) -> None:
        """Stop reading. It may have ended already."""


class PulledSource:
    """Writes a block into the ring when it is asked to. It belongs to one thread.

    Args:
        reading: gives blocks of half a second at most.
        on_stop: called after the reading is closed.
    """

    def __init__(self, reading: Reading, on_stop: Callable[[], None] = lambda: None) -> None:
        self.sample_rate = reading.sample_rate
        self.channels = reading.channels
        self.about = About()
        self.failure: str | None = None
        self.switch: Switch | None = None
        self.pulled_samples = 0
        """Samples per channel so far."""
        self._reading = reading
        self._on_stop = on_stop

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        """Accept calls of :meth:`pull` from now on."""
        self._ring = ring

    def pull(self) -> None:
        """Write the next block, or end the ring.

        Raises:
            SourceError: the reading fails here.
        """
        block = self._reading.read()
        self.pulled_samples += block.shape[0]
        if block.shape[0]:
            self._ring.write(block, 0.0)
        else:
            self._ring.end()

    def stop(self) -> None:
        """Close the reading."""
        self._reading.close()
        self._on_stop()
