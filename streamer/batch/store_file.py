"""The database of results: opened by one run at a time, and refused where it does not fit."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from emotiond.exceptions import ResultError
from emotiond.streamer.batch.analyst import Finding, Findings
from emotiond.streamer.batch.kept_check import checked
from emotiond.streamer.foreign_database import Clock, State, open_read_only, protect, state_of

FINISHED = "finished"
"""The setting that says: the output of the run is complete."""

APPLICATION = 0x656D6F42  # "emoB"
VERSION = 1
MOST_RESULT_BYTES = 2**28
"""Of the results of one recording, from all its channels. Twelve hours have 20 MB."""
MOST_STEP_SECONDS = 30.0
"""Of one answer of SQLite; a damaged file may lead it in circles."""

_FILES = """
CREATE TABLE files (file TEXT NOT NULL, start REAL, "end" REAL, channel INTEGER, key TEXT NOT NULL);
"""
"""Which recordings the results are of, for readers. Former versions had no such table."""
_TABLES = f"""
{_FILES}
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE results (
    key TEXT, part INTEGER, result TEXT NOT NULL, events BLOB NOT NULL, PRIMARY KEY (key, part)
);
CREATE TABLE errors (
    file TEXT NOT NULL, start REAL, "end" REAL, channel INTEGER,
    problem TEXT NOT NULL, remedy TEXT NOT NULL
);
"""
_SCHEMA = f"""
{_TABLES}
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
"""
_SETTINGS = "SELECT name, value FROM settings LIMIT 100"
_RESULTS = """
SELECT CAST(part AS INTEGER), CAST(result AS BLOB), CASE typeof(events) WHEN 'blob' THEN events END
FROM results WHERE key = ? ORDER BY part
"""
_OURS = {" ".join(sql.split()) for sql in _TABLES.split(";")}
_REPORTS = (
    ("is locked", "is in use by another run", "Wait for that, or {otherwise}"),
    ("is full", "cannot grow: the disk is full", "Free some space, and go on with --resume"),
    ("not a database", "is no database", "{otherwise}"),
    ("malformed", "is damaged", "Delete it, or {otherwise}"),
    ("interrupted", "is damaged", "Delete it, or {otherwise}"),
    ("too big", "holds what is larger than ours", "Delete it, or {otherwise}"),
)
"""A word of SQLite's own message, what it means for the file, and the remedy."""


class StoreFile:
    """The file of a database.

    Args:
        path: where it is.
        otherwise: what else the user can do, for messages.
    """

    def __init__(self, path: Path, otherwise: str) -> None:
        self.path = path
        self._otherwise = otherwise
        self._clock = Clock(MOST_STEP_SECONDS)

    def open(self) -> sqlite3.Connection:
        """Open it for this run alone, until it is closed. It is made where it is not there.

        Raises:
            ResultError: it cannot be made or read, another run has it, or it is of another program
                or version.
        """
        with self.reporting():
            self._refuse_link()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(self.path, timeout=0, check_same_thread=False)
            try:
                self._prepare(database)
            except BaseException:
                database.close()
                raise
            return database

    def open_for_reading(self) -> sqlite3.Connection:
        """Open it and write nothing into it: it may be on a medium that cannot be written.

        Raises:
            ResultError: it is not there or cannot be read, another run has it, or it is of another
                program or version.
        """
        with self.reporting():
            self._refuse_link()
            if not self.path.exists():
                raise self._refused("is not there")
            database = open_read_only(self.path)
            try:
                with self._clock.running():
                    protect(database, self._clock, MOST_RESULT_BYTES)
                    self._refuse_others(database)
                    check_tables(database)
            except BaseException:
                database.close()
                raise
            return database

    def refuse_changed(self, before: State) -> None:
        """Refuse a file that was opened for reading, and that a run has begun to write.

        Args:
            before: from :func:`state_of` when it was opened.

        Raises:
            ResultError: it has changed.
        """
        with self.reporting():
            if state_of(self.path) != before:
                raise sqlite3.OperationalError("it is locked")

    def check(self, kept: Mapping[str, str], settings: Mapping[str, str]) -> None:
        """Refuse results that this run would not get.

        Args:
            kept: what the results in the file depend on.
            settings: what those of this run depend on, by its name for messages.

        Raises:
            ResultError: they differ.
        """
        for name, value in settings.items():
            if kept.get(name) != value:
                raise self._refused(
                    f"holds results of another {name} "
                    f"({kept.get(name) or 'none':.100}, not {value or 'none'})",
                    f"Use the same {name}, or {{otherwise}}",
                )

    @contextlib.contextmanager
    def reporting(self) -> Iterator[None]:
        """Report errors of this block as those of the file.

        Raises:
            ResultError: it cannot be used.
        """
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as error:
            reason = str(getattr(error, "strerror", None) or error)
            found = (told for word, *told in _REPORTS if word in reason)
            otherwise = ("cannot be used ({reason})", "Check its folder, or {otherwise}")
            problem, remedy = next(found, otherwise)
            raise self._refused(problem.format(reason=reason), remedy) from None

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Report errors of this block as :meth:`reporting` does, and end it if it takes too long.

        Raises:
            ResultError: it cannot be used.
        """
        with self.reporting(), self._clock.running():
            yield

    def _prepare(self, database: sqlite3.Connection) -> None:
        protect(database, self._clock, MOST_RESULT_BYTES, is_written=True)
        # No memory is shared with other processes, so a folder of the network will do.
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        with self._clock.running():
            (application,) = database.execute("PRAGMA application_id").fetchone()
            tables = database.execute("SELECT 1 FROM sqlite_master").fetchone()
            is_new = not tables and not application
            if not is_new:
                self._refuse_others(database)
            check_tables(database)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("BEGIN EXCLUSIVE")  # until the lock is there, another run may have it
        names = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'files'").fetchone()
        if not is_new and names is None:
            database.execute(_FILES)
        database.commit()
        if is_new:
            database.executescript(f"BEGIN EXCLUSIVE; {_SCHEMA} COMMIT;")

    def _refuse_link(self) -> None:
        if self.path.is_symlink():
            raise self._refused("is a link")

    def _refuse_others(self, database: sqlite3.Connection) -> None:
        """Refuse the database of another program or version."""
        (application,) = database.execute("PRAGMA application_id").fetchone()
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION:
            raise self._refused("is the database of another program")
        if version != VERSION:
            raise self._refused(
                f"is of version {version}, and this emotiond knows {VERSION}",
                "Use the emotiond that made it, or {otherwise}",
            )

    def _refused(self, problem: str, remedy: str = "{otherwise}") -> ResultError:
        told = remedy.format(otherwise=self._otherwise)
        return ResultError(f"{self.path} {problem}", told[0].upper() + told[1:])


def check_tables(database: sqlite3.Connection) -> None:
    """Refuse views, triggers, and tables of another form: reading them may run without end.

    Raises:
        sqlite3.DatabaseError: there is anything but our tables.
    """
    query = "SELECT type, sql FROM sqlite_master"
    for kind, sql in database.execute(query):
        is_of_table = kind == "index" and sql is None  # that of a primary key
        is_ours = kind == "table" and isinstance(sql, str) and " ".join(sql.split()) in _OURS
        if not is_of_table and not is_ours:
            raise sqlite3.DatabaseError("malformed: it holds more than the tables of emotiond")


def settings_of(database: sqlite3.Connection) -> dict[str, str]:
    """Return what its results depend on, and whether it is :data:`FINISHED`."""
    return {str(name): str(value) for name, value in database.execute(_SETTINGS)}


def findings_of(database: sqlite3.Connection, key: str) -> Findings | None:
    """Return the result of a key; None if it is not there, or not whole.

    What is damaged is analyzed anew, as what is not there: see :func:`checked`.
    """
    findings: list[Finding] = []
    total_bytes = 0
    for part, result, events in database.execute(_RESULTS, (key,)):
        finding = checked(result, events) if part == len(findings) else None
        if finding is None:
            return None
        total_bytes += len(result) + len(events)
        if total_bytes > MOST_RESULT_BYTES:
            return None
        findings.append(finding)
    return tuple(findings) or None
