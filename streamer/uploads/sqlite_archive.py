"""Stores the results of uploaded files in SQLite. Only the user can read the file."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sqlite3
import tempfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from emotiond.exceptions import HistoryError
from emotiond.streamer.private_files import check_neighbours, create_private, open_private
from emotiond.streamer.uploads.archive import (
    MOST_FILES,
    PART_EVENTS,
    EventLog,
    stored_count,
    stored_events,
    stored_result,
)

_VERSION = 1
_LOCK_SECONDS = 1.0  # how long to wait for another process that is writing
_BESIDE = ("-journal", "-wal", "-shm")  # SQLite's own files
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
_RESULTS = """
SELECT id, result, length(CAST(result AS BLOB)) + (
    SELECT coalesce(sum(length(events)), 0) FROM parts WHERE file = id
) FROM files ORDER BY id DESC LIMIT ?
"""


class SqliteArchive:
    """Fulfils :class:`Archive`. Each call opens the file, which may come and go.

    It holds ``MOST_FILES`` results. Beyond that, the oldest are deleted.

    Args:
        path: the database. It is created, with its folder, at the first use.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self) -> None:
        """Find out whether the file can be used, without making it.

        Raises:
            HistoryError: it cannot be read.
        """
        try:
            self._path.lstat()
        except FileNotFoundError:
            self._check_place()
        except (OSError, ValueError) as error:  # ValueError: no file can have this name
            raise self._unusable(getattr(error, "strerror", error)) from None
        else:
            with self._opened() as database:
                database.execute("SELECT id, result, events FROM files LIMIT 1")
                database.execute("SELECT file, first, events FROM parts LIMIT 1")

    def _check_place(self) -> None:
        """Find out whether the file can be made."""
        folder = self._path.parent
        while not os.path.lexists(folder) and folder != folder.parent:
            folder = folder.parent
        try:  # os.access would call /proc writable for root
            tempfile.TemporaryFile(dir=folder).close()
        except OSError:
            raise self._unusable(f"no file can be made in {folder}") from None
        try:
            if folder == self._path.parent:
                check_neighbours(self._path, _BESIDE)
        except OSError as error:
            raise self._unusable(error.strerror) from None

    def _unusable(self, reason: object) -> HistoryError:
        return HistoryError(
            f"the history in {self._path} cannot be used ({reason})",
            "Repair or move that file, or name another one with --history FILE",
        )

    def add(self, result: Mapping[str, Any], log: EventLog) -> int:
        """Add a result. Returns its number.

        Raises:
            HistoryError: the result cannot be stored.
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
        """Return all results, each with its ``id`` and ``bytes``, the newest first.

        Raises:
            HistoryError: the archive cannot be read.
        """
        with self._opened() as database:
            rows = database.execute(_RESULTS, (MOST_FILES,)).fetchall()
            return [
                {**stored_result(number, text), "bytes": int(size)} for number, text, size in rows
            ]

    def result(self, number: int) -> tuple[Mapping[str, Any], int] | None:
        """Return one result with its ``id``, and its number of events; None if there is none.

        Raises:
            HistoryError: the archive cannot be read.
        """
        with self._opened() as database:
            query = "SELECT result, events FROM files WHERE id = ?"
            row = database.execute(query, (number,)).fetchone()
            if row is None:
                return None
            return stored_result(number, row[0]), stored_count(row[1])

    def part(self, number: int, first: int) -> Sequence[Mapping[str, Any]]:
        """Return the part of a file's events that begins with this one; empty if there is none.

        Raises:
            HistoryError: the archive cannot be read.
        """
        with self._opened() as database:
            query = "SELECT events FROM parts WHERE file = ? AND first = ?"
            row = database.execute(query, (number, first)).fetchone()
            return [] if row is None else stored_events(row[0])

    def forget(self, numbers: Collection[int]) -> bool:
        """Delete results and their events. No trace of them stays in the file.

        Returns:
            Whether there was any of them.

        Raises:
            HistoryError: the archive cannot be written.
        """
        with self._opened() as database:
            known = {number for (number,) in database.execute("SELECT id FROM files")}
            rows = [(number,) for number in known.intersection(numbers)]
            if rows:  # else the file is not written
                database.executemany("DELETE FROM files WHERE id = ?", rows)
            return bool(rows)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Open the database for one transaction."""
        try:
            wanted = self._make_file()
            connection = sqlite3.connect(self._path, timeout=_LOCK_SECONDS)
            with contextlib.closing(connection), connection:
                if not os.path.samestat(wanted, self._path.lstat()):
                    raise OSError(errno.EAGAIN, "it was replaced just now")
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
            raise self._unusable(reason) from None

    def _make_file(self) -> os.stat_result:
        """Make the file, or take the rights to it from other users."""
        try:
            descriptor = open_private(self._path)
        except FileNotFoundError:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            check_neighbours(self._path, _BESIDE)
            with contextlib.suppress(FileExistsError):
                os.close(create_private(self._path))
            descriptor = open_private(self._path)
        try:
            check_neighbours(self._path, _BESIDE)
            return os.fstat(descriptor)
        finally:
            os.close(descriptor)
