"""A recording's events as an SQLite database, for its owner alone, that others read meanwhile."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emotiond.inference.card import LABELS
from emotiond.streamer.private_files import check_neighbours, create_private
from emotiond.streamer.protocol.events import Event, to_json, valid_text
from emotiond.streamer.recordings.names import BESIDE_DATABASE, DATABASE
from emotiond.streamer.recordings.position import FORMAT, Position, position_to_json

COMMIT_SECONDS = 1.0
"""From one commit to the next, at least."""
LOCK_SECONDS = 5.0
"""How long another program may hold the file."""
APPLICATION = 0x656D6F72
"""Tells these files from other databases: ``emor``."""
POSITION_COLUMNS: Mapping[str, str] = {
    "stream": "TEXT NOT NULL",
    "file_seconds": "REAL NOT NULL",
    "stream_seconds": "REAL NOT NULL",
    "time": "REAL NOT NULL",
    "format": "INTEGER NOT NULL",
    "session": "TEXT NOT NULL",
    "part": "INTEGER NOT NULL",
}
SCORE_FIELDS: Mapping[str, str] = {"scores": "score_", "raw": "raw_"}
"""Each field of ``emotion`` that holds scores, with what the names of its columns begin with."""
RENAMED: Mapping[str, str] = {"from": "from_label", "to": "to_label"}
"""Fields whose names are words of SQL."""
EVENT_COLUMNS: Mapping[str, str] = {
    "type": "TEXT NOT NULL",
    "seq": "INTEGER NOT NULL",
    "stream": "TEXT NOT NULL",
    "start": "REAL",
    "end": "REAL",
    "time": "REAL",
    "state": "TEXT",
    "label": "TEXT",
    "confidence": "REAL",
    **{prefix + label: "REAL" for prefix in SCORE_FIELDS.values() for label in LABELS},
    "speech_ratio": "REAL",
    "level_dbfs": "REAL",
    "age_ms": "REAL",
    "dropped_samples": "INTEGER",
    "at": "REAL",
    "from_label": "TEXT",
    "to_label": "TEXT",
    "held_seconds": "REAL",
    "status": "TEXT",
    "detail": "TEXT",
    "device": "TEXT",
    "device_latency_ms": "REAL",
    "demo": "INTEGER NOT NULL",
}


class Database:
    """Writes events and positions. What is committed survives the end of the program.

    SQLite keeps new pages in ``FILE.sqlite-wal`` meanwhile, and gives it the mode of the file.

    Args:
        path: the new file.

    Raises:
        OSError: the file cannot be created, or lies where others could put files beside it.
    """

    def __init__(self, path: Path) -> None:
        check_neighbours(path, [each.removeprefix(DATABASE) for each in BESIDE_DATABASE])
        os.close(create_private(path))
        with _errors():
            self._connection = sqlite3.connect(
                path, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                self._make_tables()
            except BaseException:
                self._connection.close()
                raise
        self._waiting: list[tuple[str, Sequence[Any]]] = []
        self._committed_seconds = -COMMIT_SECONDS  # in monotonic time
        self.size_bytes = self._size()
        """Of what is committed."""

    def add(self, event: Event, _text: str) -> None:
        """Add an event."""
        self._waiting.append((_INSERT_EVENT, _row(to_json(event))))

    def add_position(self, position: Position) -> None:
        """Add a position."""
        values = position_to_json(position)
        self._waiting.append((_INSERT_POSITION, [values[name] for name in POSITION_COLUMNS]))

    def flush(self) -> bool:
        """Commit what waits, unless the last commit was just now. Returns whether nothing waits.

        Raises:
            OSError: it cannot be written.
        """
        if self._waiting and time.monotonic() - self._committed_seconds >= COMMIT_SECONDS:
            self._commit()
        return not self._waiting

    def close(self) -> None:
        """Commit what waits, and close the file.

        Raises:
            OSError: it cannot be written. The file is closed all the same.
        """
        with _errors():
            try:
                self._commit()
                with contextlib.suppress(sqlite3.Error):  # somebody may be reading
                    self._connection.execute("PRAGMA journal_mode = DELETE")  # one file alone
            finally:
                self._connection.close()

    def _commit(self) -> None:
        with _errors():
            self._connection.execute("BEGIN")
            try:
                for statement, row in self._waiting:
                    self._connection.execute(statement, row)
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
            self._waiting.clear()
            self._committed_seconds = time.monotonic()
            self.size_bytes = self._size()

    def _make_tables(self) -> None:
        execute = self._connection.execute
        execute("BEGIN")
        execute(_create("recording", POSITION_COLUMNS))
        execute(_create("events", EVENT_COLUMNS))
        execute(f"PRAGMA application_id = {APPLICATION}")
        execute(f"PRAGMA user_version = {FORMAT}")
        execute("COMMIT")
        # From here on: so the file itself says what it is, without the one beside it.
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = NORMAL")
        execute("PRAGMA wal_autocheckpoint = 250")  # pages: 1 MB

    def _size(self) -> int:
        pages, size = (
            self._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "page_size")
        )
        return int(pages) * int(size)


@contextlib.contextmanager
def _errors() -> Any:
    """Turn an error of SQLite into one of the system, as other files raise them."""
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(None, f"SQLite: {error}") from None


def _row(values: Mapping[str, Any]) -> Sequence[Any]:
    """Return the columns of an event."""
    flat = {RENAMED.get(name, name): value for name, value in values.items()}
    for field, prefix in SCORE_FIELDS.items():
        scores = flat.pop(field, None) or {}
        flat |= {prefix + label: score for label, score in scores.items()}
    flat["demo"] = int(bool(flat.get("demo")))
    row = [flat.get(name) for name in EVENT_COLUMNS]
    return [valid_text(value) if isinstance(value, str) else value for value in row]


def _create(table: str, columns: Mapping[str, str]) -> str:
    listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    return f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {listed})"


def _insert(table: str, columns: Mapping[str, str]) -> str:
    listed = ", ".join(f'"{name}"' for name in columns)
    places = ", ".join("?" for _ in columns)
    return f"INSERT INTO {table} ({listed}) VALUES ({places})"  # noqa: S608  # nosec B608 - names of ours


_INSERT_EVENT = _insert("events", EVENT_COLUMNS)
_INSERT_POSITION = _insert("recording", POSITION_COLUMNS)
