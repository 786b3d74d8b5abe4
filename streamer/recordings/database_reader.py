"""Reads the events of a recording from its SQLite database, which may come from anywhere."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from emotiond.inference.card import LABELS
from emotiond.inference.files import open_regular
from emotiond.inference.parsing import LARGEST_INTEGER
from emotiond.streamer.foreign_database import Clock, protect
from emotiond.streamer.protocol.events import Change, Emotion, Status
from emotiond.streamer.recordings.database import (
    APPLICATION,
    EVENT_COLUMNS,
    LOCK_SECONDS,
    POSITION_COLUMNS,
    RENAMED,
    SCORE_FIELDS,
)
from emotiond.streamer.recordings.position import FORMAT, TYPE, OtherFormatError

MOST_STEP_SECONDS = 5.0
"""Of one answer of SQLite; a damaged file may lead it in circles."""
MOST_ROWS = 200
"""Per answer."""
MOST_VALUE_BYTES = 64 * 1024
"""Of one row or value, from Python 3.11 on."""

_FIELDS: Mapping[str, Sequence[str]] = {
    kind.__name__.lower(): tuple(kind.__dataclass_fields__) for kind in (Emotion, Change, Status)
}


def read_database(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the first position, then the events in order, as objects of the protocol.

    No value is checked here. The database is opened for reading alone, a few rows at a time:
    so the daemon that writes it is never held up.

    Raises:
        OSError: it is not there, or cannot be read, or is no such database.
        OtherFormatError: it is of another version.
    """
    with _reading(path) as reader:
        for row in reader.rows("recording", POSITION_COLUMNS, 0, 1):
            yield {"type": TYPE, **dict(zip(POSITION_COLUMNS, row[1:], strict=True))}
        for values, _ in reader.events(0):
            yield values


def rows_from(path: Path, place: int) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Yield the events from a place on, each with the place behind it.

    Args:
        path: the database.
        place: the number of the row before: 0, or one that was yielded.

    Raises:
        OSError: as :func:`read_database`.
        OtherFormatError: as :func:`read_database`.
    """
    with _reading(path) as reader:
        yield from reader.events(place)


def read_last_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the last events, the last one first.

    Raises:
        OSError: as :func:`read_database`.
        OtherFormatError: as :func:`read_database`.
    """
    with _reading(path) as reader:
        for row in reader.rows("events", EVENT_COLUMNS, None, MOST_ROWS):
            yield _event(dict(zip(EVENT_COLUMNS, row[1:], strict=True)))


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[_Reader]:
    """Open a database, and tell its faults as those of a file."""
    with open_regular(path):  # what the system says is plainer than what SQLite says
        pass
    try:
        reader = _Reader(path)
        with contextlib.closing(reader.connection):
            yield reader
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        raise OSError(None, f"it is no whole database of a recording: {error}") from None


class _Reader:
    """A database that is open for reading."""

    def __init__(self, path: Path) -> None:
        uri = f"file:{quote(os.fsencode(path.absolute()))}?mode=ro"  # a name may have odd bytes
        self.connection = sqlite3.connect(uri, uri=True, timeout=LOCK_SECONDS)
        self._clock = Clock(MOST_STEP_SECONDS)
        try:
            with self._clock.running():
                protect(self.connection, self._clock, MOST_VALUE_BYTES)
                self._check()
        except BaseException:
            self.connection.close()
            raise

    def rows(
        self, table: str, columns: Mapping[str, str], after: int | None, most: int
    ) -> Sequence[Sequence[Any]]:
        """Return the rows that follow one, each with its number first; the last ones for None."""
        listed = ", ".join(f'"{name}"' for name in columns)
        order = "DESC" if after is None else "ASC"
        with self._clock.running():
            return self.connection.execute(
                f"SELECT id, {listed} FROM {table} WHERE id > ? ORDER BY id {order} LIMIT ?",  # noqa: S608  # nosec B608 - names of ours
                (after or 0, most),
            ).fetchall()

    def events(self, after: int) -> Iterator[tuple[Mapping[str, Any], int]]:
        """Yield the events that follow a row, each with the number of its own."""
        while rows := self.rows("events", EVENT_COLUMNS, after, MOST_ROWS):
            for row in rows:
                if type(row[0]) is not int or row[0] > LARGEST_INTEGER:
                    raise sqlite3.DatabaseError("its rows have no numbers that count them")
                yield _event(dict(zip(EVENT_COLUMNS, row[1:], strict=True))), row[0]
            after = rows[-1][0]

    def _check(self) -> None:
        """Refuse another version, and tables that are no plain tables."""
        application, version = (
            self.connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version")
        )
        if application != APPLICATION:
            raise sqlite3.DatabaseError("another program has made it")
        if version != FORMAT:
            raise OtherFormatError(f"it is of format {version}, not {FORMAT}")
        for table, columns in (("recording", POSITION_COLUMNS), ("events", EVENT_COLUMNS)):
            (kind,) = self.connection.execute(
                "SELECT type FROM sqlite_master WHERE name = ?", (table,)
            ).fetchone() or ("",)
            found = self.connection.execute(f"PRAGMA table_xinfo({table})").fetchall()
            plain = {name for _, name, _, _, _, _, hidden in found if hidden == 0}
            primary = [name for _, name, _, _, _, place, _ in found if place]
            if kind != "table" or not {"id", *columns} <= plain or primary != ["id"]:
                raise sqlite3.DatabaseError(f"it has no table {table} of its own form")


def _event(columns: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object of an event from the columns of its row."""
    values: dict[str, Any] = {"type": columns["type"]}
    for name in _FIELDS.get(str(columns["type"]), ()):
        if name in SCORE_FIELDS:
            scores = {label: columns[SCORE_FIELDS[name] + label] for label in LABELS}
            is_empty = all(score is None for score in scores.values())
            values[name] = None if is_empty else scores
        elif name in columns:
            values[name] = columns[name]
    values["demo"] = bool(columns["demo"])
    return {next((k for k, v in RENAMED.items() if v == n), n): v for n, v in values.items()}
