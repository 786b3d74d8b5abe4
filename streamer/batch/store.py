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
from emotiond.streamer.batch.analyst import Findings
from emotiond.streamer.batch.errors_table import Row
from emotiond.streamer.batch.item import Item
from emotiond.streamer.batch.store_file import FINISHED, StoreFile, findings_of, settings_of
from emotiond.streamer.protocol.events import valid_text

_SECONDS_TO_DISK = 5.0
"""A kill loses nothing. A power cut loses what is younger than this, which is analyzed again."""
_MOST_UNWRITTEN = 500  # names: a run that goes on tells them all anew


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
        self._file = StoreFile(path, "name another --output")
        self._lock = threading.Lock()
        self._unwritten: list[tuple[object, ...]] = []
        self._to_disk_at = time.monotonic() + _SECONDS_TO_DISK
        self._database = self._file.open()
        try:
            with self._file.reading():
                kept = settings_of(self._database)
            with self._file.reporting():
                finished = kept.pop(FINISHED, None) is not None
                if not is_resumed and kept and not finished:
                    raise ResultError(
                        f"{path} holds the results of a run that was not finished",
                        "Go on with --resume, or delete that file",
                    )
                if not is_resumed:
                    self._empty()
                elif kept:
                    self._file.check(kept, settings)
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
        """Return the result of a key; None if it is not there, or not whole.

        Raises:
            ResultError: the store cannot be read.
        """
        with self._lock, self._file.reading():
            return findings_of(self._database, key)

    def put(self, key: str, findings: Findings) -> None:
        """Keep a result, whole or not at all.

        Raises:
            ResultError: the disk is full, or the like.
        """
        rows = [
            (key, part, json.dumps(finding.values, allow_nan=False), finding.events)
            for part, finding in enumerate(findings)
        ]
        with self._lock, self._file.reporting():
            with self._database:
                # What is there was not whole, and may have more parts.
                self._database.execute("DELETE FROM results WHERE key = ?", (key,))
                self._database.executemany("INSERT INTO results VALUES (?, ?, ?, ?)", rows)
            if time.monotonic() > self._to_disk_at:
                self._database.execute("PRAGMA wal_checkpoint(PASSIVE)")
                self._to_disk_at = time.monotonic() + _SECONDS_TO_DISK

    def name(self, item: Item, key: str) -> None:
        """Say of which item the result of a key is. Each run begins anew with it.

        Raises:
            ResultError: the disk is full, or the like.
        """
        times = (item.start_seconds, item.end_seconds, item.channel)
        with self._lock, self._file.reporting():
            self._unwritten.append((valid_text(item.file), *times, key))
            if len(self._unwritten) >= _MOST_UNWRITTEN:
                self._write_names()

    def note(self, row: Row) -> None:
        """Add an error to the table of errors, which each run begins anew.

        Raises:
            ResultError: the disk is full, or the like.
        """
        values = [valid_text(value) if isinstance(value, str) else value for value in row]
        with self._lock, self._file.reporting(), self._database:
            self._database.execute("INSERT INTO errors VALUES (?, ?, ?, ?, ?, ?)", values)

    def errors(self) -> Iterator[Row]:
        """Yield the errors of this run, in their order.

        Raises:
            ResultError: the store cannot be read.
        """
        with self._lock, self._file.reporting():
            yield from self._database.execute("SELECT * FROM errors ORDER BY rowid")

    def finish(self) -> None:
        """Say that the output is complete: the next run may begin anew.

        Raises:
            ResultError: the disk is full, or the like.
        """
        with self._lock, self._file.reporting():
            self._write_names()
            with self._database:
                self._database.execute("INSERT INTO settings VALUES (?, '')", (FINISHED,))

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

    def _empty(self) -> None:
        with self._database:
            self._database.execute("DELETE FROM results")
            self._database.execute("DELETE FROM errors")
            self._database.execute("DELETE FROM settings")
