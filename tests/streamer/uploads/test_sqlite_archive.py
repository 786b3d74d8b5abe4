"""The archive's file by itself; through a daemon, see test_history.py."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import zlib
from pathlib import Path

import pytest

from emotiond.exceptions import HistoryError
from emotiond.streamer.uploads.archive import MOST_FILES, PART_EVENTS, EventLog
from emotiond.streamer.uploads.sqlite_archive import SqliteArchive
from tests.support.owners import make_foreign


def log(count: int) -> EventLog:
    events = EventLog()
    for number in range(count):
        events.add(f'{{"seq":{number}}}')
    return events


def test_results_and_events_come_back_in_parts(tmp_path: Path) -> None:
    archive = SqliteArchive(tmp_path / "folder" / "history.sqlite")
    number = archive.add({"name": "a.wav"}, log(PART_EVENTS + 1))
    result = {"id": number, "name": "a.wav", "shares": None}  # an earlier version knew no shares
    assert archive.result(number) == (result, PART_EVENTS + 1)
    assert len(archive.part(number, 0)) == PART_EVENTS
    assert archive.part(number, PART_EVENTS) == [{"seq": PART_EVENTS}]
    assert archive.part(number, 7) == []


def test_only_the_user_may_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    assert SqliteArchive(path).results() == []
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_oldest_results_make_room(tmp_path: Path) -> None:
    archive = SqliteArchive(tmp_path / "history.sqlite")
    numbers = [archive.add({}, log(1)) for _ in range(MOST_FILES + 1)]
    assert [result["id"] for result in archive.results()] == numbers[:0:-1]
    assert archive.result(numbers[0]) is None


def test_a_deleted_result_leaves_no_events(tmp_path: Path) -> None:
    archive = SqliteArchive(tmp_path / "history.sqlite")
    number = archive.add({"name": "a.wav"}, log(3))
    archive.forget([number])
    assert archive.result(number) is None
    assert archive.part(number, 0) == []
    assert b"a.wav" not in (tmp_path / "history.sqlite").read_bytes()


def test_a_file_that_is_no_archive_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    path.write_text("this is no database, and long enough to be taken for one " * 10)
    with pytest.raises(HistoryError, match="--history"):
        SqliteArchive(path).results()


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX modes")
def test_a_file_that_others_could_read_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    SqliteArchive(path).add({"name": "a.wav"}, log(1))
    path.chmod(0o644)
    assert len(SqliteArchive(path).results()) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("dangling", [True, False])
def test_a_link_is_not_followed(tmp_path: Path, dangling: bool) -> None:
    target, link = tmp_path / "target", tmp_path / "history.sqlite"
    if not dangling:
        SqliteArchive(target).results()
    link.symlink_to(target)
    for use in (SqliteArchive(link).results, SqliteArchive(link).check):
        with pytest.raises(HistoryError, match="it is a link"):
            use()
    assert target.exists() != dangling


def test_a_check_makes_no_file_and_finds_one_that_cannot_be_used(tmp_path: Path) -> None:
    SqliteArchive(tmp_path / "folder" / "history.sqlite").check()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("no database")
    for path in (tmp_path / "file", tmp_path / "file" / "history.sqlite", tmp_path):
        with pytest.raises(HistoryError, match="--history"):
            SqliteArchive(path).check()


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX modes")
@pytest.mark.parametrize("is_there", [True, False])
def test_where_every_user_can_make_files_there_is_no_history(
    tmp_path: Path, is_there: bool
) -> None:
    """Another user's journal beside the file would get its content, and would replace it."""
    archive = SqliteArchive(tmp_path / "history.sqlite")
    if is_there:
        archive.add({"name": "a.wav"}, log(1))
    tmp_path.chmod(0o1777)
    for use in (archive.check, archive.results):
        with pytest.raises(HistoryError, match="every user can make files"):
            use()


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX modes")
@pytest.mark.parametrize("suffix", ["-journal", "-wal", "-shm"])
def test_a_journal_that_is_not_the_user_s_is_not_used(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, target = tmp_path / "history.sqlite", tmp_path / "target"
    archive = SqliteArchive(path)
    archive.add({"name": "a.wav"}, log(1))
    beside = path.with_name(path.name + suffix)
    beside.symlink_to(target)
    with pytest.raises(HistoryError, match=f"{suffix} beside it is no regular file"):
        archive.add({"name": "b.wav"}, log(1))
    assert not target.exists()
    beside.unlink()
    beside.touch(0o666)
    make_foreign(beside, monkeypatch)
    with pytest.raises(HistoryError, match="belongs to another user"):
        archive.add({"name": "b.wav"}, log(1))
    assert beside.read_bytes() == b""


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX modes")
def test_the_folder_of_another_user_gets_no_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_foreign(tmp_path, monkeypatch)
    with pytest.raises(HistoryError, match="its folder belongs to another user"):
        SqliteArchive(tmp_path / "history.sqlite").check()


def test_a_name_that_no_file_can_have_is_an_error_at_once(tmp_path: Path) -> None:
    for name in ("x" * 300, "x\0y"):
        with pytest.raises(HistoryError, match="--history"):
            SqliteArchive(tmp_path / name).check()


def put(path: Path, statement: str, *values: object) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        assert database.execute(statement, values).rowcount == 1


@pytest.mark.parametrize(
    "result",
    ["[1]", "5", '{"a":NaN}', '{"a":1e999}', "[" * 10_000, b"\xff", "{", '"%s"'],
)
def test_a_damaged_result_is_an_error_with_a_remedy(tmp_path: Path, result: str | bytes) -> None:
    """Else it would end the connection of whoever asks."""
    path = tmp_path / "history.sqlite"
    archive = SqliteArchive(path)
    number = archive.add({}, log(1))
    if result == '"%s"':
        result = f'{{"name":"{"x" * 1_000_000}"}}'
    put(path, "UPDATE files SET result = ?", result)
    for read in (archive.results, lambda: archive.result(number)):
        with pytest.raises(HistoryError, match="--history"):
            read()


@pytest.mark.parametrize("count", [None, -1, 10**9, "x"])
def test_a_damaged_number_of_events_is_an_error(tmp_path: Path, count: object) -> None:
    path = tmp_path / "history.sqlite"
    archive = SqliteArchive(path)
    number = archive.add({}, log(1))
    put(path, "UPDATE files SET events = ?", count)
    with pytest.raises(HistoryError, match="damaged"):
        archive.result(number)


@pytest.mark.parametrize(
    "events", [5, None, "x", b"x", *map(zlib.compress, (b"5", b"{", b"[NaN]", b" " * 1_000_001))]
)
def test_damaged_events_are_an_error(tmp_path: Path, events: object) -> None:
    path = tmp_path / "history.sqlite"
    archive = SqliteArchive(path)
    number = archive.add({}, log(1))
    put(path, "UPDATE parts SET events = ?", events)
    with pytest.raises(HistoryError, match="--history"):
        archive.part(number, 0)


def test_a_database_of_another_program_is_noticed_at_once(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.executescript("CREATE TABLE notes (text); PRAGMA user_version = 1")
    with pytest.raises(HistoryError, match="no such table: files"):
        SqliteArchive(path).check()
