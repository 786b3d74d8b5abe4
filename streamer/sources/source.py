"""The protocol that every source of audio fulfils."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.protocol.events import StreamStatus

OnStatus = Callable[[StreamStatus, str], None]
"""Takes a status and its detail. Any thread may call it."""


@dataclass(frozen=True)
class About:
    """The description of a source in ``status`` events."""

    detail: str = ""
    device: str | None = None
    device_latency_ms: float | None = None
    demo: bool = False


class Source(Protocol):
    """Writes audio into a ring, from a thread of its own, until it ends or is stopped."""

    sample_rate: int
    """Hz."""
    channels: int
    about: About
    failure: str | None
    """Why the source ended early; None otherwise."""

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        """Begin to write. The source calls ``ring.end()`` when its audio ends by itself."""

    def stop(self) -> None:
        """End within a moment. It may have ended already."""
