"""The topics of MQTT: how names become levels of a topic, and what each event says where.

A name becomes a level by percent-encoding (RFC 3986): letters of ASCII, digits, ``-``, ``.``,
``_`` and ``~`` stay, each other byte of its UTF-8 is ``%`` and two digits. So no level holds ``/``,
``+`` or ``#``, and no two names become one level.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from emotiond.inference.card import LABELS
from emotiond.streamer.protocol.events import (
    STATES,
    Change,
    Emotion,
    Event,
    Status,
    StreamStatus,
    encode,
    to_json,
)

ROOT = "emotiond"
ONLINE, OFFLINE = "online", "offline"
NO_LABEL = "none"
"""The label where there is none."""
UNHEARD: tuple[StreamStatus, ...] = ("stalled", "reconnecting", "muted", "ended")
"""The statuses in which no sound comes."""
STREAM_STATES: tuple[str, ...] = (*STATES, *UNHEARD)
"""What ``state`` can be."""
STREAM_LABELS: tuple[str, ...] = (*LABELS, NO_LABEL)
"""What ``label`` can be."""


@dataclass(frozen=True)
class Publication:
    """One message to the broker."""

    topic: str
    content: str
    """Empty to remove what the broker keeps."""
    is_kept: bool = False
    """Whether the broker keeps it for new subscribers. It keeps nobody's emotion."""


@functools.lru_cache(maxsize=256)
def topic_level(name: str) -> str:
    """Return a name as one level of a topic."""
    return quote(name, safe="", errors="surrogatepass")


def identifier(name: str) -> str:
    """Return a name as Home Assistant takes it in a topic: letters, digits, ``-`` and ``_``.

    It is the name's level, but for ``_`` in the place of ``%``, and ``.``, ``_`` and ``~`` encoded.
    """
    encoded = topic_level(name)
    for character in "_.~":
        encoded = encoded.replace(character, f"%{ord(character):02X}")
    return encoded.replace("%", "_")


@dataclass(frozen=True)
class Topics:
    """The topics of one daemon."""

    daemon: str
    """The daemon's name."""

    @property
    def availability(self) -> str:
        """``online`` or ``offline``, kept."""
        return f"{self._base}/availability"

    @property
    def microphone(self) -> str:
        """``on``, ``muted`` or ``off``, kept."""
        return f"{self._base}/microphone"

    @property
    def mute(self) -> str:
        """The same as ``microphone``, for what switches it, kept."""
        return f"{self._base}/mute"

    @property
    def commands(self) -> str:
        """Takes ``muted`` and ``on``."""
        return f"{self.microphone}/set"

    @property
    def instance(self) -> str:
        """On which daemons of one name hear of each other."""
        return f"{self._base}/instance"

    def of(self, stream: str, what: str) -> str:
        """Return the topic of one value of a stream."""
        return f"{self._base}/{topic_level(stream)}/{what}"

    @property
    def _base(self) -> str:
        return f"{ROOT}/{topic_level(self.daemon)}"


def publications(topics: Topics, event: Event) -> Iterator[Publication]:
    """Yield what an event says. Numbers are rounded as in the protocol."""
    values = to_json(event)
    if isinstance(event, Emotion):
        yield from _values(topics, event.stream, values)
    elif isinstance(event, Change):
        yield Publication(topics.of(event.stream, "change"), encode(values))
    elif isinstance(event, Status) and event.status in UNHEARD:
        nothing = {"state": event.status, "label": None, "confidence": None, "scores": None}
        yield from _values(topics, event.stream, nothing)


def _values(topics: Topics, stream: str, values: dict[str, Any]) -> Iterator[Publication]:
    yield Publication(topics.of(stream, "state"), values["state"])
    yield Publication(topics.of(stream, "label"), values["label"] or NO_LABEL)
    for what, key in (("confidence", "confidence"), ("scores", "scores"), ("level", "level_dbfs")):
        if key in values:
            content = json.dumps(values[key], separators=(",", ":"))
            yield Publication(topics.of(stream, what), content)
