"""What a report shows on one timeline, and how its events are held."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from emotiond.inference.card import LABELS
from emotiond.streamer.protocol.events import STATES, StreamStatus

STATUSES: tuple[StreamStatus, ...] = get_args(StreamStatus)


class Column(NamedTuple):
    """One number of each event, as an integer."""

    name: str
    bytes: int
    """Enough for every value, in two's complement."""
    scale: int = 1
    """The value is the integer divided by this."""
    is_delta: bool = False
    """Whether it is packed as the difference from the event before."""


_TICKS_A_SECOND = 10_000
COLUMNS = (
    Column("seq", 4, is_delta=True),
    Column("end", 5, _TICKS_A_SECOND, is_delta=True),
    Column("window", 3, _TICKS_A_SECOND),
    Column("clock", 6, 1000, is_delta=True),
    Column("state", 1),
    Column("label", 1),
    Column("scored", 1),
    Column("speech", 2, 10_000),
    Column("level", 2, 100),
    Column("dropped", 5, is_delta=True),
    *(Column(f"{kind} {label}", 2, 10_000) for kind in ("score", "raw") for label in LABELS),
    Column("status", 1),
)
"""What the page has of each event. ``window`` is ``end`` less ``start``, ``clock`` is ``time`` less
``end``; the confidence is the score of the label. ``age_ms`` is left out."""
_ROW = struct.Struct(f"<{len(COLUMNS) - 1}q")  # the status is not the event's own
_LIMITS = tuple(256**column.bytes // 2 for column in COLUMNS[:-1])
_NO_SCORES = (0,) * len(LABELS)


class Event(NamedTuple):
    """An ``emotion``, packed: a dictionary of each would be fifteen times as large."""

    stream: str
    row: bytes
    """An integer for each column but ``status``."""
    is_demo: bool

    @property
    def end_seconds(self) -> float:
        """Its end on the time line of its recording."""
        return end_of(self.row) / _TICKS_A_SECOND


def pack_event(event: Mapping[str, Any]) -> Event:
    """Pack an ``emotion`` of the protocol.

    Raises:
        KeyError, TypeError, ValueError, OverflowError: it is none.
    """
    scores, raw, label, end = event["scores"], event["raw"], event["label"], event["end"]
    values = (
        event["seq"],
        round(end * _TICKS_A_SECOND),
        round((end - event["start"]) * _TICKS_A_SECOND),
        round((event["time"] - end) * 1000),
        STATES.index(event["state"]),
        -1 if label is None else LABELS.index(label),
        scores is not None,
        round(event["speech_ratio"] * 10_000),
        round(event["level_dbfs"] * 100),
        event["dropped_samples"],
        *(_NO_SCORES if scores is None else [round(scores[name] * 10_000) for name in LABELS]),
        *(_NO_SCORES if raw is None else [round(raw[name] * 10_000) for name in LABELS]),
    )
    for value, limit in zip(values, _LIMITS, strict=True):
        if not -limit <= value < limit:
            raise ValueError(value)
    stream = event["stream"]
    if not isinstance(stream, str):
        raise TypeError(stream)
    try:
        return Event(stream, _ROW.pack(*values), event.get("demo") is True)
    except struct.error as error:  # a fraction, where an integer belongs
        raise TypeError(str(error)) from None


def end_of(row: bytes) -> int:
    """Return the end of an event, the second column."""
    return int.from_bytes(row[8:16], "little", signed=True)


@dataclass(frozen=True)
class Piece:
    """Where sound that was recorded lies: its file's second, and the stream's."""

    file_seconds: float
    stream_seconds: float


@dataclass
class Track:
    """A recording, or what one speaker says in it.

    Args:
        name: the file as it was given to ``analyze``, or the name of the stream.
        sound: the file that may hold its sound.
    """

    name: str
    sound: str
    is_session: bool
    speaker: str | None = None
    channel: int | None = None
    duration_seconds: float = 0.0
    """Of the file; 0 where only segments of it are known."""
    rows: list[bytes] = field(default_factory=list)
    statuses: bytearray = field(default_factory=bytearray)
    is_demo: bool = False
    pieces: list[Piece] = field(default_factory=list)
    """Of a session, in order; empty where its sound is that of the file."""

    def add(self, event: Event, status: int = 0) -> None:
        """Add an event."""
        self.rows.append(event.row)
        self.statuses.append(status)
        self.is_demo = self.is_demo or event.is_demo

    def table(self) -> NDArray[np.int64]:
        """Return the events in the order of their ends, shape ``(n, len(COLUMNS))``."""
        rows = np.frombuffer(b"".join(self.rows), np.int64).reshape(-1, len(COLUMNS) - 1)
        table = np.column_stack([rows, np.frombuffer(self.statuses, np.uint8)])
        return table[np.argsort(table[:, index_of("end")], kind="stable")]


def index_of(name: str) -> int:
    """Return the index of a column."""
    return [column.name for column in COLUMNS].index(name)


def named_apart(tracks: Sequence[Track]) -> None:
    """Number those that would look the same."""
    seen: dict[tuple[str, str | None, int | None], int] = {}
    for track in tracks:
        key = (track.name, track.speaker, track.channel)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > 1:
            track.name = f"{track.name} ({seen[key]})"
