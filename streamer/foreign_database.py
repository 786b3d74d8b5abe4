"""What protects from a database of SQLite that may come from anywhere."""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

STEPS = 10_000
"""Of SQLite's machine between two looks at the clock."""


State: TypeAlias = "tuple[int, int, bool] | None"
"""Size, time of change, and whether there is a log of changes; None if there is no file."""


def state_of(path: Path) -> State:
    """Return what tells whether somebody writes a database."""
    if not path.exists():
        return None
    found = path.stat()
    return found.st_size, found.st_mtime_ns, _has_log(path)


def open_read_only(path: Path) -> sqlite3.Connection:
    """Open a database for any thread. Nothing is written into it.

    A whole one is taken as it is, without a lock: SQLite would make files beside it, which a medium
    that cannot be written refuses. So see by :func:`state_of` whether it changes meanwhile.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    as_it_is = "" if _has_log(path) else "&immutable=1"
    uri = f"file:{quote(os.fsencode(path.absolute()))}?mode=ro{as_it_is}"
    return sqlite3.connect(uri, uri=True, timeout=0, check_same_thread=False)


def _has_log(path: Path) -> bool:
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0


class Clock:
    """Ends an answer that takes too long: a damaged file may lead SQLite in circles.

    Args:
        most_seconds: of one answer.
    """

    def __init__(self, most_seconds: float) -> None:
        self._most_seconds = most_seconds
        self._end_seconds = math.inf

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Interrupt what takes too long in this block: it raises :class:`sqlite3.Error`."""
        self._end_seconds = time.monotonic() + self._most_seconds
        try:
            yield
        finally:
            self._end_seconds = math.inf

    def rows(
        self, database: sqlite3.Connection, query: str, values: Sequence[object] = ()
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of an answer. The time between them, which the caller takes, is free."""
        with self.running():  # it goes on to the first row
            cursor = database.execute(query, values)
        while True:
            with self.running():
                row = cursor.fetchone()
            if row is None:
                return
            yield row

    def is_over(self) -> bool:
        """Return whether the answer is to be interrupted."""
        return time.monotonic() > self._end_seconds


def protect(
    database: sqlite3.Connection, clock: Clock, most_value_bytes: int, *, is_written: bool = False
) -> None:
    """Let nothing in a database run code, take memory or time without end.

    Args:
        database: just opened.
        clock: limits the answers that it runs for.
        most_value_bytes: of one row or value, from Python 3.11 on.
        is_written: whether it is also written to.
    """
    database.set_progress_handler(clock.is_over, STEPS)
    if hasattr(database, "setlimit"):
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, most_value_bytes)
    writing = () if is_written else ("query_only = ON",)
    for setting in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0", *writing):
        database.execute(f"PRAGMA {setting}")
