"""Keeps the results of a run in SQLite, beside its output, so that it can go on after any end.

A result is known by the content of its file and the segment. The whole file is of one version of
emotiond, one model and the same settings: a table of several would be no measurement.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from emotiond.exceptions import ResultError
from emotiond.streamer.batch.analyst import Finding, Findings
from emotiond.streamer.batch.errors_table import Row
from emotiond.streamer.batch.item import Item
from emotiond.streamer.protocol.events import valid_text

APPLICATION = 0x656D6F42  # "emoB"
VERSION = 1
_SECONDS_TO_DISK = 5.0
"""A kill loses nothing. A power cut loses what is younger than this, which is analyzed again."""
_BESIDE = ("", "-wal", "-shm", "-journal")
_FILES = """
CREATE TABLE files (file TEXT NOT NULL, start REAL, "end" REAL, channel INTEGER, key TEXT NOT NULL);
"""
"""Which recordings the results are of, for readers. Former versions had no such table."""
_SCHEMA = f"""
{_FILES}
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE results (
    key TEXT, part INTEGER, result TEXT NOT NULL, events BLOB NOT NULL, PRIMARY KEY (key, part)
);
CREATE TABLE errors (
    file TEXT NOT NULL, start REAL, "end" REAL, channel INTEGER,
    problem TEXT NOT NULL, remedy TEXT NOT NULL
);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
"""
_MOST_UNWRITTEN = 500  # of its rows: a run that goes on names them all anew
_FINISHED = "finished"
_ELSEWHERE = "Check its folder, or name another --output"
_REPORTS = (
    ("is locked", "is in use by another run", "Wait for that, or name another --output"),
    ("is full", "cannot grow: the disk is full", "Free some space, and go on with --resume"),
    ("not a database", "is no database", "Name another --output"),
    ("malformed", "is damaged", "Delete it, or name another --output"),
)
"""A word of SQLite's own message, what it means for the file, and the remedy."""


class Store:
    """The results of one output. Any thread may use it; only one run has it.

    Args:
        path: the database.
        settings: what all results depend on, by its name for messages.
        is_resumed: whether a run that was ended early may be gone on with.

    Raises:
        ResultError: it cannot be made or read, another run has it, it belongs to another version or
            to other settings, or it is of an unfinished run and ``is_resumed`` is False.
    """

    def __init__(self, path: Path, settings: Mapping[str, str], *, is_resumed: bool) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._unwritten: list[tuple[object, ...]] = []
        self._to_disk_at = time.monotonic() + _SECONDS_TO_DISK
        with self._reporting():
            self._database = self._open()
        try:
            with self._reporting():
                kept = dict(self._database.execute("SELECT name, value FROM settings"))
                finished = kept.pop(_FINISHED, None) is not None
                if not is_resumed and kept and not finished:
                    raise ResultError(
                        f"{path} holds the results of a run that was not finished",
                        "Go on with --resume, or delete that file",
                    )
                if not is_resumed:
                    self._empty()
                    kept = {}
                self._check(kept, settings)
                with self._database:
                    self._database.execute("DELETE FROM files")
                    self._database.execute("DELETE FROM errors")
                    self._database.execute("DELETE FROM settings")
                    self._database.executemany(
                        "INSERT INTO settings VALUES (?, ?)", settings.items()
                    )
        except BaseException:
            self._database.close()
            raise

    def get(self, key: str) -> Findings | None:
        """Return the result of a key; None if it is not there.

        Raises:
            ResultError: the store is damaged.
        """
        with self._lock, self._reporting():
            query = "SELECT result, events FROM results WHERE key = ? ORDER BY part"
            rows = self._database.execute(query, (key,)).fetchall()
            return tuple(Finding(json.loads(text), events) for text, events in rows) or None

    def put(self, key: str, findings: Findings) -> None:
        """Keep a result, whole or not at all.

        Raises:
            ResultError: the disk is full, or the like.
        """
        rows = [
            (key, part, json.dumps(finding.values, allow_nan=False), finding.events)
            for part, finding in enumerate(findings)
        ]
        with self._lock, self._reporting():
            with self._database:
                self._database.executemany(
                    "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)", rows
                )
            if time.monotonic() > self._to_disk_at:
                self._database.execute("PRAGMA wal_checkpoint(PASSIVE)")
                self._to_disk_at = time.monotonic() + _SECONDS_TO_DISK

    def name(self, item: Item, key: str) -> None:
        """Say of which item the result of a key is. Each run begins anew with it.

        Raises:
            ResultError: the disk is full, or the like.
        """
        times = (item.start_seconds, item.end_seconds, item.channel)
        with self._lock, self._reporting():
            self._unwritten.append((valid_text(item.file), *times, key))
            if len(self._unwritten) >= _MOST_UNWRITTEN:
                self._write_names()

    def note(self, row: Row) -> None:
        """Add an error to the table of errors, which each run begins anew.

        Raises:
            ResultError: the disk is full, or the like.
        """
        values = [valid_text(value) if isinstance(value, str) else value for value in row]
        with self._lock, self._reporting(), self._database:
            self._database.execute("INSERT INTO errors VALUES (?, ?, ?, ?, ?, ?)", values)

    def finish(self) -> None:
        """Say that the output is complete: the next run may begin anew.

        Raises:
            ResultError: the disk is full, or the like.
        """
        with self._lock, self._reporting():
            self._write_names()
            with self._database:
                self._database.execute("INSERT INTO settings VALUES (?, '')", (_FINISHED,))

    def close(self) -> None:
        """Close the file. What was put into it stays."""
        with self._lock, contextlib.suppress(sqlite3.Error):
            try:
                self._write_names()
            finally:
                self._database.close()

    def _write_names(self) -> None:
        with self._database:
            self._database.executemany("INSERT INTO files VALUES (?, ?, ?, ?, ?)", self._unwritten)
        self._unwritten.clear()

    def _open(self) -> sqlite3.Connection:
        if self._path.is_symlink():
            raise ResultError(f"{self._path} is a link", "Name another --output")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self._path, timeout=0, check_same_thread=False)
        try:
            # No memory is shared with other processes, so a folder of the network will do.
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            (application,) = database.execute("PRAGMA application_id").fetchone()
            (version,) = database.execute("PRAGMA user_version").fetchone()
            (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if not tables and not application:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = NORMAL")
                database.executescript(f"BEGIN EXCLUSIVE; {_SCHEMA} COMMIT;")
                return database
            if application != APPLICATION:
                raise ResultError(
                    f"{self._path} is the database of another program", "Name another --output"
                )
            if version != VERSION:
                raise ResultError(
                    f"{self._path} is of version {version}, and this emotiond knows {VERSION}",
                    "Use the emotiond that made it, or name another --output",
                )
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("BEGIN EXCLUSIVE")  # until the lock is there, another run may have it
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'files'").fetchone():
                database.execute(_FILES)
            database.commit()
        except BaseException:
            database.close()
            raise
        return database

    def _empty(self) -> None:
        with self._database:
            self._database.execute("DELETE FROM results")
            self._database.execute("DELETE FROM errors")
            self._database.execute("DELETE FROM settings")

    def _check(self, kept: Mapping[str, str], settings: Mapping[str, str]) -> None:
        """Refuse results that this run would not get."""
        for name, value in settings.items():
            if kept and kept.get(name) != value:
                raise ResultError(
                    f"{self._path} holds results of another {name} "
                    f"({kept.get(name) or 'none'}, not {value or 'none'})",
                    f"Use the same {name}, or name another --output",
                )

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as error:
            reason = str(getattr(error, "strerror", None) or error)
            found = (told for word, *told in _REPORTS if word in reason)
            problem, remedy = next(found, (f"cannot be used ({reason})", _ELSEWHERE))
            raise ResultError(f"{self._path} {problem}", remedy) from None
