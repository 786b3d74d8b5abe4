"""The file in which the results of analysed files are kept: SQLite, for the user alone."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from emotiond.exceptions import HistoryError

MOST_FILES = 150
"""That are kept: the oldest make way."""
PART_EVENTS = 200
"""That are sent in one message: some 150 KB."""

_VERSION = 1
_LOCK_SECONDS = 1.0  # to wait for another process that is writing
_SCHEMA = """
PRAGMA auto_vacuum = FULL;
BEGIN;
CREATE TABLE files (id INTEGER PRIMARY KEY AUTOINCREMENT, result TEXT NOT NULL, events INTEGER);
CREATE TABLE parts (
    file INTEGER REFERENCES files ON DELETE CASCADE, first INTEGER, events BLOB,
    PRIMARY KEY (file, first)
);
PRAGMA user_version = 1;
COMMIT;
"""


class EventLog:
    """The events of one file, compressed as they come."""

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
        """All of them, so many in each part."""
        if self._waiting:
            self._pack()
        return self._parts

    def _pack(self) -> None:
        self._parts.append(zlib.compress(f"[{','.join(self._waiting)}]".encode()))
        self._waiting = []


class Archive:
    """Results of files, with their events. Opened anew each time: it may come and go.

    Args:
        path: of the file; it is made, with its folder, when something is to be kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, result: Mapping[str, Any], log: EventLog) -> int:
        """Keep a result; returns its number.

        Raises:
            HistoryError: it cannot be kept.
        """
        with self._opened() as database:
            text = json.dumps(result, allow_nan=False)
            cursor = database.execute(
                "INSERT INTO files (result, events) VALUES (?, ?)", (text, log.count)
            )
            number = int(cursor.lastrowid or 0)
            database.executemany(
                "INSERT INTO parts VALUES (?, ?, ?)",
                [(number, i * PART_EVENTS, part) for i, part in enumerate(log.parts())],
            )
            database.execute(
                "DELETE FROM files WHERE id NOT IN (SELECT id FROM files ORDER BY id DESC LIMIT ?)",
                (MOST_FILES,),
            )
        return number

    def results(self) -> Sequence[Mapping[str, Any]]:
        """All results, each with its ``id``, the newest first.

        Raises:
            HistoryError: they cannot be read.
        """
        with self._opened() as database:
            rows = database.execute("SELECT id, result FROM files ORDER BY id DESC").fetchall()
            return [{"id": number, **json.loads(text)} for number, text in rows]

    def result(self, number: int) -> tuple[Mapping[str, Any], int] | None:
        """One result with its ``id``, and how many events it has; None if it is not there.

        Raises:
            HistoryError: it cannot be read.
        """
        with self._opened() as database:
            query = "SELECT result, events FROM files WHERE id = ?"
            row = database.execute(query, (number,)).fetchone()
            return None if row is None else ({"id": number, **json.loads(row[0])}, row[1])

    def part(self, number: int, first: int) -> Sequence[Mapping[str, Any]]:
        """Events of a file from this one on, as many as a part has; none if they are not there.

        Raises:
            HistoryError: they cannot be read.
        """
        with self._opened() as database:
            query = "SELECT events FROM parts WHERE file = ? AND first = ?"
            row = database.execute(query, (number, first)).fetchone()
            events: list[Mapping[str, Any]] = (
                [] if row is None else json.loads(zlib.decompress(row[0]))
            )
            return events

    def forget(self, numbers: Sequence[int]) -> None:
        """Remove results and their events, so that nothing of them is left in the file.

        Raises:
            HistoryError: they cannot be removed.
        """
        with self._opened() as database:
            database.executemany("DELETE FROM files WHERE id = ?", [(n,) for n in numbers])

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """The database, for one transaction."""
        try:
            self._make_file()
            connection = sqlite3.connect(self._path, timeout=_LOCK_SECONDS)
            with contextlib.closing(connection), connection:
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute("PRAGMA secure_delete = ON")
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                if version == 0:
                    connection.executescript(_SCHEMA)
                elif version != _VERSION:
                    raise sqlite3.DatabaseError(f"it is of version {version}, not {_VERSION}")
                yield connection
        except (OSError, ValueError, sqlite3.Error, zlib.error) as error:
            reason = getattr(error, "strerror", None) or error
            raise HistoryError(
                f"the history in {self._path} cannot be used ({reason})",
                "Mend or move that file, or name another one with --history FILE",
            ) from None

    def _make_file(self) -> None:
        if not self._path.exists():
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
