"""What every source of audio fulfils, and how the table describes a kind of source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.options import Part, S
from emotiond.streamer.protocol.events import Event, StreamStatus
from emotiond.streamer.reach import Reach

OnStatus = Callable[[StreamStatus, str], None]
"""Takes a status and its detail. Any thread may call it."""


@dataclass(frozen=True)
class About:
    """The description of a source in ``status`` events."""

    detail: str = ""
    device: str | None = None
    device_latency_ms: float | None = None
    demo: bool = False
    live: bool = False
    """Whether the sound comes while it is spoken, so that resampling must not delay it."""
    stands_in_because: str | None = None
    """Why there is no microphone, if it plays only because of that."""
    open_to: str | None = None
    """Who can stream sound into it, for the announcement: ``every user of this machine``, say."""


class Switch(Protocol):
    """Closes and opens the device of a source."""

    muted: bool
    """Whether the device must stay closed."""

    @property
    def state(self) -> Literal["on", "off", "muted"]:
        """``on`` while the device is open, else ``muted`` or ``off``."""

    def mute(self, muted: bool) -> None:
        """Close the device, or open it again. This may return before it has happened."""


class Source(Protocol):
    """Writes audio into a ring, from a thread of its own, until it ends or is stopped."""

    sample_rate: int
    """Hz."""
    channels: int
    about: About
    failure: str | None
    """Why the source ended early; None otherwise."""

    @property
    def switch(self) -> Switch | None:
        """Mutes the source; None if nothing can be muted."""

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        """Begin to write. The source calls ``ring.end()`` when its audio ends by itself.

        A source with a switch reports ``running`` at its first block, and ``reconnecting`` while it
        looks for its lost device. Others are running from the start.
        """

    def stop(self) -> None:
        """End within a moment. It may have ended already."""


@dataclass
class EventSource:
    """Gives events that were made earlier, instead of sound."""

    read: Callable[[], Iterator[Event]]
    """Returns the events in order, from the first one. It may raise :class:`SourceError`."""
    about: About
    speed: float | None
    """How many times as fast as recorded; None for as fast as possible."""
    loop: bool
    """Whether the events begin again at their end."""
    failure: str | None = None
    """Why they ended early; None otherwise."""
    switch: Switch | None = None
    """Nothing can be muted."""


@dataclass(frozen=True)
class Playback:
    """How sources play that have no pace of their own."""

    realtime: bool
    """Whether they play in real time; otherwise as fast as there is room in the ring."""
    loop: bool
    """Whether a file begins again at its end."""
    waits: bool = False
    """Whether a device that is not there yet is waited for."""
    speed: float = 1.0
    """In real time, how many times as fast as recorded; only events can be played at another one
    than 1."""


def name_of_value(value: str) -> str:
    """Return the value of ``--source`` as the name of its stream."""
    return value


def stays_here(_value: str, _settings: object) -> None:
    """Return None: the source uses no network."""


@dataclass(frozen=True, eq=False)
class SourceKind(Part[S]):
    """The description of a kind of source, one line of the table."""

    value: str
    """The value of ``--source``, or what stands for it in the help."""
    open: Callable[[str, S, Playback], Source | EventSource]
    """Opens a source, which reads nothing before it is started. It takes the value of
    ``--source``, and may raise :class:`SourceError`."""
    recognizes: Callable[[str], bool] | None = None
    """Returns whether a value is of this kind; None if it has to be ``value`` itself."""
    stream_name: Callable[[str], str] = name_of_value
    """Returns the name of a stream whose source has no name."""
    is_single: bool = False
    """Whether there is only one of it."""
    reach: Callable[[str, S], Reach | None] = stays_here
    """Returns where a value of ``--source`` listens or connects; None if it uses no network."""
    is_voice: bool = True
    """Whether somebody may speak there. The help of ``emotiond enroll`` names no other kind."""
    takes_speed: bool = False
    """Whether ``--speed`` may be any factor."""
