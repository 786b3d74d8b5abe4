"""Reads the results of a run from its SQLite, beside its output. It may come from anywhere."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from emotiond.exceptions import ResultError
from emotiond.inference.files import open_regular
from emotiond.streamer.batch.analyst import Finding
from emotiond.streamer.batch.store_file import APPLICATION, VERSION
from emotiond.streamer.results.writer import Result

MOST_ROW_BYTES = 2**28
"""Of the result of one recording, from Python 3.11 on. Twelve hours have 20 MB."""

_LOCK_SECONDS = 2.0
_FILES = "SELECT file, key FROM files ORDER BY file, start, channel"
_RESULTS = "SELECT result, events FROM results WHERE key = ? ORDER BY part"
_TABLES = ("files", "results")
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
    try:
        with contextlib.closing(_opened(path)) as database:
            _protect(database)
            _check(path, database)
            for file, key in database.execute(_FILES):  # sorted without what is large
                for values, events in database.execute(_RESULTS, (key,)):
                    yield Finding(json.loads(values), events).result(file)
    except (sqlite3.Error, ValueError, TypeError, RecursionError) as error:
        if "locked" in str(error):
            raise ResultError(f"{path} is in use by a run", "Wait for its end") from None
        raise ResultError(f"{path} is damaged ({error})", "Analyze once more") from None


def is_kept(path: Path) -> bool:
    """Return whether a database of SQLite is one of a run of ``analyze``."""
    try:
        with contextlib.closing(_opened(path)) as database:
            found = database.execute("PRAGMA application_id").fetchone()
            return bool(found == (APPLICATION,))
    except sqlite3.Error as error:  # nobody else locks one for good
        return "locked" in str(error)


def _opened(path: Path) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=_LOCK_SECONDS)


def _protect(database: sqlite3.Connection) -> None:
    """Let nothing in the file run code, or be larger than a result is."""
    if hasattr(database, "setlimit"):
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_ROW_BYTES)
    for setting in ("trusted_schema = OFF", "cell_size_check = ON", "query_only = ON",
                    "mmap_size = 0"):  # fmt: skip
        database.execute(f"PRAGMA {setting}")


def _check(path: Path, database: sqlite3.Connection) -> None:
    """Refuse another program's file, another version, and tables that are no plain tables."""
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
    kinds = dict(database.execute("SELECT name, type FROM sqlite_master"))
    if "files" not in kinds or not database.execute("SELECT count(*) FROM files").fetchone()[0]:
        problem, remedy = _UNNAMED
        raise ResultError(f"{path} {problem}", remedy)
    if any(kinds.get(table) != "table" for table in _TABLES):
        raise ResultError(f"{path} is damaged (its tables are none)", "Analyze once more")
