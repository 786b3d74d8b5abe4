"""Reads the events of one part piece by piece, so that no answer about it is large or slow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emotiond.streamer.protocol.checks import MessageError, event_of
from emotiond.streamer.protocol.columns import Columns, checked_columns
from emotiond.streamer.protocol.events import Event, position_of_event
from emotiond.streamer.recordings import names
from emotiond.streamer.recordings.json_lines import lines_from, read_last_lines

MOST_LINES = 2000
"""Lines, or rows, of which one piece is made; most are events."""

_MOST_LAST_LINES = 100  # that are looked at for the last event

Values = Mapping[str, Any] | MessageError


@dataclass(frozen=True)
class Piece:
    """Some events that follow each other."""

    columns: Columns
    """Their values by field."""
    is_demo: bool
    """Whether one is of the bundled recording."""
    after: int | None
    """The place behind them; None if nothing follows."""


def read_piece(path: Path, stream: str, place: int, most: int) -> Piece:
    """Return the ``emotion`` events of a stream from a place on. What is damaged is left out.

    Args:
        path: the lines, or the database, of a part.
        stream: the name of the stream.
        place: 0, or where the piece before has ended. Any other place gives no other events, but
            the first of them may be missing.
        most: number of events.

    Raises:
        OSError: the file cannot be read.
        MessageError: it is of another version.
    """
    found: list[Mapping[str, Any]] = []
    end: int | None = None
    for looked_at, (values, after) in enumerate(_from(path, place), start=1):
        if not isinstance(values, MessageError) and values.get("type") == "emotion":
            found.append(values)
        if len(found) == most or looked_at == MOST_LINES:
            end = after
            break
    is_demo = any(values.get("demo") is True for values in found)
    return Piece(checked_columns(found, stream), is_demo, end)


def last_seconds(path: Path, stream: str) -> float | None:
    """Return at which second of the stream a part ends; None if its end holds no event of it."""
    try:
        for values in itertools.islice(_last(path), _MOST_LAST_LINES):
            event = _event(values, stream)
            position = None if event is None else position_of_event(event)
            if position is not None:
                return position
    except (OSError, MessageError):
        pass
    return None


def _event(values: Values, stream: str) -> Event | None:
    if isinstance(values, MessageError) or not isinstance(values.get("type"), str):
        return None
    try:
        event = event_of(values)
    except MessageError:
        return None
    return event if event is not None and event.stream == stream else None


def _from(path: Path, place: int) -> Iterator[tuple[Values, int]]:
    if path.suffix == names.JSON_LINES:
        return lines_from(path, place)
    from emotiond.streamer.recordings.database_reader import rows_from

    return rows_from(path, place)


def _last(path: Path) -> Iterator[Values]:
    if path.suffix == names.JSON_LINES:
        return read_last_lines(path)
    from emotiond.streamer.recordings.database_reader import read_last_rows

    return read_last_rows(path)
