"""Reads the results of a run from its SQLite, beside its output. It may come from anywhere."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from emotiond.exceptions import ResultError
from emotiond.inference.files import open_regular
from emotiond.streamer.batch.analyst import Finding
from emotiond.streamer.batch.store_file import (
    APPLICATION,
    MOST_RESULT_BYTES,
    MOST_STEP_SECONDS,
    VERSION,
    check_tables,
)
from emotiond.streamer.foreign_database import Clock, open_read_only, protect, state_of
from emotiond.streamer.results.writer import Result

_FILES = "SELECT file, key FROM files ORDER BY file, start, channel"
_RESULTS = "SELECT result, events FROM results WHERE key = ? ORDER BY part"
_UNNAMED = (
    "does not say which recordings its results are of",
    "Give the command that made it once more, with --resume",
)


def read_kept(path: Path) -> Iterator[Result]:
    """Yield the results of all recordings, in the order of their names. No value is checked here.

    Raises:
        OSError: it cannot be read.
        ResultError: it is no such database, of another version, damaged, or a run has it.
    """
    with open_regular(path):  # what the system says is plainer than what SQLite says
        pass
    before = state_of(path)
    try:
        with contextlib.closing(open_read_only(path)) as database:
            clock = Clock(MOST_STEP_SECONDS)
            protect(database, clock, MOST_RESULT_BYTES)
            with clock.running():
                _check(path, database)
            for file, key in clock.rows(database, _FILES):  # sorted without what is large
                for values, events in clock.rows(database, _RESULTS, (key,)):
                    yield Finding(json.loads(values), events).result(file)
    except (sqlite3.Error, ValueError, TypeError, RecursionError) as error:
        if "locked" in str(error) or state_of(path) != before:
            raise _in_use(path) from None
        raise ResultError(f"{path} is damaged ({error})", "Analyze once more") from None
    if state_of(path) != before:
        raise _in_use(path)


def _in_use(path: Path) -> ResultError:
    return ResultError(f"{path} is in use by a run", "Wait for its end")


def is_kept(path: Path) -> bool:
    """Return whether a database of SQLite is one of a run of ``analyze``."""
    try:
        with contextlib.closing(open_read_only(path)) as database:
            found = database.execute("PRAGMA application_id").fetchone()
            return bool(found == (APPLICATION,))
    except sqlite3.Error as error:  # nobody else locks one for good
        return "locked" in str(error)


def _check(path: Path, database: sqlite3.Connection) -> None:
    """Refuse another program's file, another version, and more than our tables."""
    application, version = (
        database.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version")
    )
    if application != APPLICATION:
        raise ResultError(f"{path} holds no results of analyze", "Name the FILE.sqlite beside them")
    if version != VERSION:
        raise ResultError(
            f"{path} is of version {version}, and this emotiond knows {VERSION}",
            "Use the emotiond that made it",
        )
    check_tables(database)
    is_there = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'files'").fetchone()
    if not is_there or not database.execute("SELECT 1 FROM files").fetchone():
        problem, remedy = _UNNAMED
        raise ResultError(f"{path} {problem}", remedy)
