"""The line of type ``recording``: which file of which recording this is, and where it stands."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emotiond.inference.parsing import build
from emotiond.streamer.protocol.checks import (
    LATEST_TIME,
    MessageError,
    check,
    check_ranges,
    is_stream_name,
)

TYPE = "recording"
FORMAT = 1
"""Of the files. Another one is refused."""

_SESSION = re.compile(r"[0-9a-f]{32}|")


@dataclass(frozen=True)
class Position:
    """Maps a time of the sound file to one of the stream. It begins each file, and follows gaps."""

    stream: str
    file_seconds: float
    stream_seconds: float
    time: float
    """Unix time of the capture."""
    format: int = FORMAT
    session: str = ""
    """Tells this run of the recording from all others; empty in files of earlier versions."""
    part: int = 1
    """Which file of the session this is, from 1."""


class OtherFormatError(MessageError):
    """A file is of a version that this one cannot read."""


def position_to_json(position: Position) -> Mapping[str, Any]:
    """Return the line."""
    return {"type": TYPE, **dataclasses.asdict(position)}


def position_of(values: Mapping[str, Any]) -> Position:
    """Read such a line. Further fields are ignored.

    Raises:
        OtherFormatError: the file is of another format.
        MessageError: the line is damaged.
    """
    known = {field.name for field in dataclasses.fields(Position)}
    try:
        position = build(Position, {key: value for key, value in values.items() if key in known})
    except (ValueError, TypeError, OverflowError) as error:
        raise MessageError(str(error)) from None
    if position.format != FORMAT:
        raise OtherFormatError(f"it is of format {position.format}, not {FORMAT}")
    check(is_stream_name(position.stream), "its stream has no name")
    check_ranges(position.file_seconds, position.stream_seconds)
    check(0 <= position.time <= LATEST_TIME, "its time is out of range")
    check(_SESSION.fullmatch(position.session) is not None, "its session has no number")
    check(position.part >= 1, "its part has no number")
    return position
