"""What every archive of results does, and the form in which it keeps events and results."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

MOST_FILES = 150
"""Number of files that a list names, the newest ones."""
PART_EVENTS = 200
"""Number of events in one part: some 150 KB of JSON."""
MOST_EVENTS = 1_000_000
"""Number of events of one file."""

MOST_CHARACTERS = 1_000_000
"""Length of a result or a part, in JSON; the daemon writes fewer."""


class EventLog:
    """The events of one file. It compresses them as they come."""

    def __init__(self) -> None:
        self.count = 0
        self._waiting: list[str] = []
        self._parts: list[bytes] = []

    def add(self, text: str) -> None:
        """Add an event, as JSON."""
        self.count += 1
        self._waiting.append(text)
        if len(self._waiting) == PART_EVENTS:
            self._pack()

    def parts(self) -> Sequence[bytes]:
        """Return all events in compressed parts of ``PART_EVENTS`` each."""
        if self._waiting:
            self._pack()
        return self._parts

    def _pack(self) -> None:
        self._parts.append(zlib.compress(f"[{','.join(self._waiting)}]".encode()))
        self._waiting = []


class Archive(Protocol):
    """The results of files with their events. One thread at a time may use it.

    Each call raises :class:`HistoryError` if the archive cannot be used.
    """

    def check(self) -> None:
        """Find out whether the archive can be used, without making it."""

    def add(self, result: Mapping[str, Any], log: EventLog) -> int:
        """Add a result. Returns its number."""

    def results(self) -> Sequence[Mapping[str, Any]]:
        """Return the newest results, the newest first.

        Each has its ``id``, and its ``bytes``: what it takes with its events.
        """

    def result(self, number: int) -> tuple[Mapping[str, Any], int] | None:
        """Return one result with its ``id``, and its number of events; None if there is none."""

    def part(self, number: int, first: int) -> Sequence[Mapping[str, Any]]:
        """Return the part of a file's events that begins with this one; empty if there is none."""

    def forget(self, numbers: Collection[int]) -> bool:
        """Delete results and their events. Returns whether there was any of them."""


def stored_result(number: int, text: object) -> Mapping[str, Any]:
    """Return a result with its ``id``, as it was stored; an earlier version knew no shares.

    Raises:
        ValueError: it is damaged.
    """
    values = _decoded(text)
    if not isinstance(values, dict):
        raise ValueError("a result is damaged")
    return {"id": number, "shares": None, **values}


def stored_count(count: object) -> int:
    """Return a file's number of events.

    Raises:
        ValueError: it is damaged.
    """
    if type(count) is not int or not 0 <= count <= MOST_EVENTS:
        raise ValueError("its events are damaged")
    return count


def stored_events(packed: object) -> Sequence[Mapping[str, Any]]:
    """Return a part of a file's events, as :class:`EventLog` has packed it.

    Raises:
        ValueError: it is damaged.
        zlib.error: it is damaged.
    """
    if not isinstance(packed, bytes):
        raise ValueError("its events are damaged")
    unpacking = zlib.decompressobj()
    text = unpacking.decompress(packed, MOST_CHARACTERS)
    events: object = _decoded(text)
    if not isinstance(events, list) or unpacking.unconsumed_tail:
        raise ValueError("its events are damaged")
    return events


def _decoded(text: object) -> Any:
    """Return a value that can be sent as JSON."""
    if not isinstance(text, str | bytes) or len(text) > MOST_CHARACTERS:
        raise ValueError("a value is damaged")
    try:
        values = json.loads(text)
        json.dumps(values, allow_nan=False)
    except RecursionError:
        raise ValueError("a value nests too deep") from None
    return values
