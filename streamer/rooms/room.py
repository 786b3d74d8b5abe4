"""One followed daemon: what is known of it, and of its streams."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from emotiond.streamer.daemon_names import cleaned
from emotiond.streamer.hub import Message
from emotiond.streamer.protocol.events import Emotion, Event, Status
from emotiond.streamer.protocol.names import likeness
from emotiond.streamer.rooms.followed import Followed
from emotiond.streamer.rooms.received import MOST_STREAMS, Hello

State = Literal["connecting", "connected", "unreachable"]
STATES: tuple[State, ...] = ("connecting", "connected", "unreachable")
REASONS = ("message", "stream")
"""Why something of another daemon was left out."""
_CLOCK_EVENTS = 40


@dataclass
class _Shown:
    """A stream of the other daemon."""

    name: str
    """With the daemon's name before it."""
    last: dict[str, Message] = field(default_factory=dict)
    """The last message of each type."""
    emotion_seconds: float = 0.0
    """The monotonic time at which its last ``emotion`` came."""


class Room:
    """One followed daemon, to which nothing is sent but its token.

    Args:
        followed: where it is.
        unique: makes a name one that no other daemon has.
        is_taken: returns whether a stream of this daemon has such a name.
        now: returns Unix time.
    """

    def __init__(
        self,
        followed: Followed,
        unique: Callable[[object, str], str],
        is_taken: Callable[[str], bool],
        now: Callable[[], float] = time.time,
    ) -> None:
        self.followed = followed
        self.state: State = "connecting"
        self.detail = ""
        """Why it is unreachable, for people."""
        self.stride_seconds = 0.25
        self.instance = ""
        self.connected_seconds = 0.0
        """The monotonic time of the last ``hello``."""
        self.received = 0
        """Number of events that were shown."""
        self.missed = 0
        """Number of times that a page which was behind missed an event."""
        self.losses = 0
        """How often a connection was lost."""
        self.refused = Counter(dict.fromkeys(REASONS, 0))
        self._unique = unique
        self._is_taken = is_taken
        self._now = now
        self._since = now()
        self._is_named = False
        self.name = unique(self, cleaned(f"{followed.address.host} {followed.address.port}"))
        """Kept from its first ``hello`` on: streams and pages know it by this."""
        self._streams: dict[str, _Shown] = {}
        self._greeted: set[str] = set()
        self._clock: deque[float] = deque(maxlen=_CLOCK_EVENTS)

    def greet(self, hello: Hello) -> Sequence[Message]:
        """Note what a new connection has said first. Returns what is new in it."""
        if not self._is_named and hello.name is not None:
            self.name, self._is_named = self._unique(self, hello.name), True
        if hello.instance != self.instance:  # its events are counted from 0 again
            for stream in self._streams.values():
                stream.last.clear()
        self.instance = hello.instance
        self.connected_seconds = time.monotonic()
        self.stride_seconds = hello.stride_seconds
        self._clock.clear()
        self._greeted = set(hello.streams)
        for name in self._streams.keys() - self._greeted:
            del self._streams[name]
        for name in hello.streams:
            self._stream(name)
        self._turn("connected", "")
        return [] if hello.last is None else self.take(hello.last)

    def take(self, event: Event) -> Sequence[Message]:
        """Return an event as this daemon shows it; nothing if it was shown, or must not be."""
        stream = self._stream(event.stream)
        if stream is None:
            self.refused["stream"] += 1
            return []
        message = Message.of(dataclasses.replace(event, stream=stream.name), self)
        before = stream.last.get(message.type)
        if before is not None and before.event == message.event:
            return []  # a greeting repeats the last ones
        self.received += 1
        stream.last[message.type] = message
        if isinstance(event, Emotion):
            stream.last.pop("change", None)
            stream.emotion_seconds = time.monotonic()
            if event.age_ms is not None:
                self._clock.append(event.time + event.age_ms / 1000 - self._now())
        is_end = isinstance(event, Status) and event.status == "ended"
        if is_end and event.stream not in self._greeted:  # a client's: nobody will hear of it again
            del self._streams[event.stream]
        return [message]

    def lose(self, reason: str) -> None:
        """Note that there is no connection."""
        self.losses += self.state == "connected"
        if (self.state, self.detail) != ("unreachable", reason):
            self._turn("unreachable", reason)

    @property
    def streams(self) -> Sequence[str]:
        """The names under which its streams are shown."""
        return [stream.name for stream in self._streams.values()]

    @property
    def clock_seconds(self) -> float | None:
        """How far its clock is ahead of this machine's, at least; None if that is not known."""
        return round(max(self._clock), 1) + 0.0 if self._clock else None

    def last_messages(self) -> Sequence[Message]:
        """Return the last messages of all streams, for a new listener."""
        found = [m for stream in self._streams.values() for m in stream.last.values()]
        return sorted(found, key=lambda message: message.event.seq)

    def about(self) -> dict[str, Any]:
        """Return its part of the message ``rooms``."""
        return {
            "name": self.name,
            "state": self.state,
            "since": round(self._since, 3),
            "detail": self.detail,
            "stride_seconds": self.stride_seconds,
            "clock_seconds": self.clock_seconds,
            "streams": list(self.streams),
        }

    def health(self) -> dict[str, Any]:
        """Return its part of ``/healthz``."""
        return {
            **{key: value for key, value in self.about().items() if key != "name"},
            "url": self.followed.address.url,
            "received": self.received,
            "missed": self.missed,
            "losses": self.losses,
            "refused": dict(self.refused),
            "streams": {stream.name: _health(stream) for stream in self._streams.values()},
        }

    def _turn(self, state: State, detail: str) -> None:
        """Change the state. A further reason for the same one is as old as the first."""
        if state != self.state:
            self._since = self._now()
        self.state, self.detail = state, detail

    def _stream(self, name: str) -> _Shown | None:
        """Return a stream by the other's name for it. A new one is added if there is room."""
        known = self._streams.get(name)
        shown = f"{self.name}/{name}"
        if known is not None:
            return None if self._is_taken(shown) else known
        looks = {likeness(each) for each in self._streams}
        if len(looks) >= MOST_STREAMS or likeness(name) in looks or self._is_taken(shown):
            return None
        self._streams[name] = _Shown(shown)
        return self._streams[name]


def _health(stream: _Shown) -> Mapping[str, Any]:
    status, emotion = stream.last.get("status"), stream.last.get("emotion")
    event = None if emotion is None else emotion.event
    condition = None if status is None else status.event
    about: dict[str, Any] = {
        "status": condition.status if isinstance(condition, Status) else None,
        "state": None,
        "label": None,
        "age_seconds": None,
    }
    if isinstance(event, Emotion):
        age_seconds = time.monotonic() - stream.emotion_seconds + (event.age_ms or 0) / 1000
        about |= {"state": event.state, "label": event.label, "age_seconds": round(age_seconds, 3)}
    return about
