"""SQLite from anywhere runs no code, and takes no memory or time without end."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from emotiond.streamer.foreign_database import Clock, open_read_only, protect, state_of

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n"


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(":memory:")) as opened:
        opened.executescript("CREATE TABLE numbers (x); INSERT INTO numbers VALUES (1), (2)")
        yield opened


def test_an_answer_without_end_is_interrupted(database: sqlite3.Connection) -> None:
    clock = Clock(0.1)
    protect(database, clock, 1000)
    with pytest.raises(sqlite3.OperationalError, match="interrupted"), clock.running():
        database.execute(ENDLESS).fetchall()
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        list(clock.rows(database, ENDLESS))


def test_other_answers_are_not(database: sqlite3.Connection) -> None:
    clock = Clock(60)
    protect(database, clock, 1000)
    assert [*clock.rows(database, "SELECT x FROM numbers")] == [(1,), (2,)]
    assert not clock.is_over()


@pytest.mark.parametrize("is_written", [True, False])
def test_only_what_is_to_be_written_can_be(
    database: sqlite3.Connection, *, is_written: bool
) -> None:
    protect(database, Clock(60), 1000, is_written=is_written)
    refused = pytest.raises(sqlite3.OperationalError, match="readonly")
    with contextlib.nullcontext() if is_written else refused:
        database.execute("DELETE FROM numbers")


@pytest.mark.skipif(not hasattr(sqlite3.Connection, "setlimit"), reason="needs Python 3.11")
def test_no_value_is_larger_than_the_limit(database: sqlite3.Connection) -> None:
    protect(database, Clock(60), 1000)
    with pytest.raises(sqlite3.DataError, match="too big"):
        database.execute("SELECT zeroblob(1001)").fetchall()


def test_a_file_of_any_name_is_read_and_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "a?b#c%20.sqlite"
    assert state_of(path) is None
    with contextlib.closing(sqlite3.connect(path)) as made:
        made.executescript("PRAGMA journal_mode = WAL; CREATE TABLE numbers (x)")
        assert state_of(path) != (path.stat().st_size, path.stat().st_mtime_ns, False)
    before = state_of(path)
    with contextlib.closing(open_read_only(path)) as opened:
        assert opened.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
        assert [*tmp_path.iterdir()] == [path]
    assert state_of(path) == before
