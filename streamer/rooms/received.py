"""Checks each message of another daemon on arrival: nothing of it is believed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emotiond.streamer.daemon_names import cleaned
from emotiond.streamer.protocol.checks import (
    MessageError,
    check,
    decoded,
    event_of,
    is_stream_name,
)
from emotiond.streamer.protocol.events import PROTOCOL, Event

MOST_STREAMS = 8
"""Of one daemon; further ones are left out."""
_LONGEST_TEXT = 64
_LONGEST_STRIDE_SECONDS = 10.0


class OtherProtocolError(MessageError):
    """The other daemon speaks another version of the protocol."""


@dataclass(frozen=True)
class Hello:
    """What counts of the other daemon's ``hello``."""

    name: str | None
    """Cleaned; None for a daemon of a version that has none."""
    instance: str
    """Another one after each start; empty for a version that does not say it."""
    stride_seconds: float
    streams: Sequence[str]
    """The names of its public streams, as far as they are names."""
    last: Event | None


def parse_hello(text: str | bytes) -> Hello:
    """Return the first message of a connection.

    Raises:
        MessageError: it has not the form that the protocol describes. Further fields are ignored.
    """
    values = decoded(text)
    check(values["type"] == "hello", "it does not begin with hello")
    return _hello(values)


def parse_event(text: str | bytes) -> Event | None:
    """Return any message but the first; None for one of a type that is not shown.

    Raises:
        MessageError: it has not the form that the protocol describes. Further fields are ignored.
    """
    values = decoded(text)
    check(values["type"] != "hello", "it greets twice")
    return event_of(values)


def _hello(values: Mapping[str, Any]) -> Hello:
    if values.get("protocol") != PROTOCOL or isinstance(values["protocol"], bool):
        raise OtherProtocolError("it speaks another version of the protocol")
    stride, streams = values.get("stride_seconds"), values.get("streams")
    name, instance = values.get("name"), values.get("instance")
    check(type(stride) in (int, float), "its stride is no number")
    check(0 < (stride or 0) <= _LONGEST_STRIDE_SECONDS, "its stride is out of range")
    if not isinstance(streams, list):
        raise MessageError("it has no list of streams")
    last = values.get("last")
    return Hello(
        cleaned(name[:_LONGEST_TEXT]) if isinstance(name, str) and name else None,
        instance[:_LONGEST_TEXT] if isinstance(instance, str) else "",
        float(stride or 0),
        [*itertools.islice(filter(is_stream_name, streams), MOST_STREAMS)],
        event_of({**last, "type": "emotion"}) if isinstance(last, dict) else None,
    )
