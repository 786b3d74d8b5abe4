"""Where sound comes from. The pipeline cannot tell one source from another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.protocol.events import StreamStatus

OnStatus = Callable[[StreamStatus, str], None]
"""Takes a status and its detail; may be called from any thread."""


@dataclass(frozen=True)
class About:
    """What a source says of itself in ``status`` events."""

    detail: str = ""
    device: str | None = None
    device_latency_ms: float | None = None
    demo: bool = False


class Source(Protocol):
    """Writes sound into a ring, from a thread of its own, until it ends or is stopped."""

    sample_rate: int
    """Hz of what it writes."""
    channels: int
    about: About
    failure: str | None
    """Why it ended early; None otherwise."""

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        """Begin to write; ``ring.end()`` is called where the sound ends by itself."""

    def stop(self) -> None:
        """End within a moment; harmless when it has ended already."""
