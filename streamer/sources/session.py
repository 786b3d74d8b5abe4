"""Replays the events of a recording, without its sound."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from emotiond.exceptions import SourceError
from emotiond.streamer.options import NoSettings
from emotiond.streamer.protocol.events import Event
from emotiond.streamer.sources.source import About, EventSource, Playback, SourceKind

if TYPE_CHECKING:
    from emotiond.streamer.recordings.session import Session

PREFIX = "session:"
_log = logging.getLogger(__name__)


def _session(value: str) -> Session:
    from emotiond.streamer.recordings.session import Session  # every command reads this file

    return Session(Path(value.removeprefix(PREFIX)))


def _open(value: str, _settings: NoSettings, playback: Playback) -> EventSource:
    session = _session(value)
    return EventSource(
        lambda: _events(session),
        About("a recording is replayed"),
        playback.speed if playback.realtime else None,
        playback.loop,
    )


def _events(session: Session) -> Iterator[Event]:
    """Yield the events, and say once in the log what is left out."""
    is_told = False
    for event in session.events():
        if session.damage.first is not None and not is_told:
            is_told = True
            _log.warning("%s; so are all others of its kind", session.damage.first)
        yield event


def _stream_name(value: str) -> str:
    """Return the name under which the session was recorded."""
    try:
        return _session(value).stream
    except SourceError:  # opening it will say why
        return Path(value.removeprefix(PREFIX)).stem or "session"


SESSION = SourceKind(
    "session",
    NoSettings,
    options=(),
    value="session:FILE",
    open=_open,
    recognizes=lambda value: value.startswith(PREFIX),
    stream_name=_stream_name,
    is_voice=False,
    takes_speed=True,
)
