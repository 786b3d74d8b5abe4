"""What is kept of a run, and when it is refused."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from pathlib import Path

import pytest

from emotiond.exceptions import ResultError
from emotiond.streamer import foreign_database
from emotiond.streamer.batch import store_file
from emotiond.streamer.batch.earlier import Earlier
from emotiond.streamer.batch.store import Store
from tests.support.disks import needs_disks, small_disk
from tests.support.kept import finding, stride

ABOUT = {"model": "tiny (abc)", "stride": "0.25 s", "voice profile": ""}
FOUND = (finding(stride(), channel=1), finding(channel=2))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.csv.sqlite"


def opened(path: Path, *, is_resumed: bool = False, **about: str) -> Store:
    return Store(path, {**ABOUT, **about}, is_resumed=is_resumed)


def test_what_was_put_comes_back_after_any_end(path: Path) -> None:
    store = opened(path)
    store.put("a", FOUND)
    assert (store.get("a"), store.get("b")) == (FOUND, None)
    copied = path.with_name("copy.sqlite")  # what a kill leaves: the file, and SQLite's log beside
    for suffix in ("", "-wal"):
        Path(f"{copied}{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
    store.close()
    again = opened(copied, is_resumed=True)
    assert again.get("a") == FOUND
    again.close()


def test_a_run_that_was_not_finished_is_not_begun_anew_by_mistake(path: Path) -> None:
    store = opened(path)
    store.put("a", FOUND)
    store.close()
    with pytest.raises(ResultError, match=r"not finished. Go on with --resume, or delete"):
        opened(path)
    store = opened(path, is_resumed=True)
    store.finish()
    store.close()
    store = opened(path)
    assert store.get("a") is None
    store.close()


def test_a_finished_run_can_be_gone_on_with(path: Path) -> None:
    """For instance after more recordings have come."""
    store = opened(path)
    store.put("a", FOUND)
    store.finish()
    store.close()
    store = opened(path, is_resumed=True)
    assert store.get("a") == FOUND
    store.close()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("model", "full (def)", r"another model \(tiny \(abc\), not full \(def\)\)"),
        ("voice profile", "anna", r"another voice profile \(none, not anna\)"),
    ],
)
def test_results_of_other_settings_are_refused(
    path: Path, name: str, value: str, told: str
) -> None:
    opened(path).close()
    with pytest.raises(ResultError, match=told):
        opened(path, is_resumed=True, **{name: value})


def test_a_database_of_another_version_or_program_is_refused(path: Path) -> None:
    opened(path).close()
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA user_version = 7")
    with pytest.raises(ResultError, match=r"is of version 7, and this emotiond knows 1. Use the"):
        opened(path, is_resumed=True)
    other = path.with_name("other.sqlite")
    with contextlib.closing(sqlite3.connect(other)) as database, database:
        database.execute("CREATE TABLE bookmarks (x)")
    with pytest.raises(ResultError, match="database of another program"):
        opened(other)


@pytest.mark.parametrize("content", [b"no database at all " * 99, b"SQLite format 3\0" + bytes(99)])
def test_what_is_no_database_is_refused_and_stays(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ResultError, match=r"is no database|is damaged|cannot be used"):
        opened(path, is_resumed=True)
    assert path.read_bytes() == content


def test_a_link_is_refused(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere"))
    with pytest.raises(ResultError, match="is a link"):
        opened(path)


def test_another_run_has_it_to_itself(path: Path) -> None:
    store = opened(path)
    store.put("a", FOUND)
    with pytest.raises(ResultError, match="in use by another run"):
        opened(path, is_resumed=True)
    store.close()


def test_errors_have_a_table_that_each_run_begins_anew(path: Path) -> None:
    row = ("new\nline\udcff.wav", 1.0, None, 2, "it is damaged", "Convert it")
    store = opened(path)
    store.note(row)
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        assert database.execute("SELECT file, channel, remedy FROM errors").fetchall() == [
            ("new\nline\\udcff.wav", 2, "Convert it")
        ]
    opened(path, is_resumed=True).close()
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        assert database.execute("SELECT count(*) FROM errors").fetchone() == (0,)


@needs_disks
def test_a_full_disk_is_reported_and_loses_nothing_that_was_kept(tmp_path: Path) -> None:
    chance = random.Random(0)
    large = (finding(*(stride(i, end=chance.random(), time=chance.random()) for i in range(2000))),)
    with small_disk(tmp_path, 640):
        path = tmp_path / "out.sqlite"
        store = opened(path)
        kept = 0
        with pytest.raises(ResultError, match=r"the disk is full. Free some space, and go on"):
            while True:
                store.put(str(kept), large)
                kept += 1
        store.close()
        assert kept > 1
        store = opened(path, is_resumed=True)
        assert all(store.get(str(number)) == large for number in range(kept))
        store.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE results SET result = 'null'",
        "UPDATE results SET result = '{' || x'ff'",
        "UPDATE results SET result = 7",
        "UPDATE results SET result = json_set(result, '$.label', '=HYPERLINK()')",
        "UPDATE results SET events = 'text'",
        "UPDATE results SET events = 7",
        "UPDATE results SET events = CAST(x'ff' AS TEXT), result = CAST(x'ff' AS TEXT)",
        "UPDATE results SET events = x'00'",
        "UPDATE results SET part = NULL",
        "UPDATE results SET part = part + 5",
        "UPDATE results SET part = 'one' WHERE part = 1",
    ],
)
def test_a_result_that_is_damaged_is_not_there_and_gives_way_to_another(
    path: Path, change: str
) -> None:
    store = opened(path)
    store.put("a", FOUND)
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute(change)
    store = opened(path, is_resumed=True)
    assert store.get("a") is None
    store.put("a", FOUND[:1])
    assert store.get("a") == FOUND[:1]
    store.close()
    earlier = Earlier(path, ABOUT)
    assert earlier.get("a") == FOUND[:1]
    earlier.close()


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x, x FROM n"


@pytest.mark.parametrize(
    "change",
    [
        f"DROP TABLE settings; CREATE VIEW settings(name, value) AS {ENDLESS}",
        f"DROP TABLE files; CREATE VIEW files AS {ENDLESS}",
        f"CREATE TRIGGER t BEFORE INSERT ON settings BEGIN {ENDLESS}; END",
        "DROP TABLE settings; CREATE TABLE settings (name, value AS (hex(zeroblob(1e8))))",
        "CREATE INDEX i ON settings (length(name))",
        "CREATE TABLE more (x)",
        "CREATE VIRTUAL TABLE more USING fts5(x)",
    ],
)
def test_more_than_our_tables_is_refused_before_anything_is_read(path: Path, change: str) -> None:
    opened(path).close()
    with contextlib.closing(sqlite3.connect(path)) as database:
        try:
            database.executescript(change)
        except sqlite3.OperationalError as error:  # this SQLite has no such module
            pytest.skip(str(error))
    before = path.read_bytes()
    with pytest.raises(ResultError, match=r"is damaged. Delete it, or name another --output"):
        opened(path, is_resumed=True)
    with pytest.raises(ResultError, match=r"is damaged. .*--reuse"):
        Earlier(path, ABOUT)
    assert path.read_bytes() == before


def test_an_answer_without_end_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(path).close()
    monkeypatch.setattr(store_file, "MOST_STEP_SECONDS", -1)
    monkeypatch.setattr(foreign_database, "STEPS", 1)
    with pytest.raises(ResultError, match="is damaged"):
        opened(path, is_resumed=True)


@pytest.mark.skipif(not hasattr(sqlite3.Connection, "setlimit"), reason="needs Python 3.11")
def test_a_row_that_is_far_too_large_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_file, "MOST_RESULT_BYTES", 10_000)
    store = opened(path)
    store.put("a", FOUND)
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE results SET events = zeroblob(10001)")
    store = opened(path, is_resumed=True)
    with pytest.raises(ResultError, match=r"larger than ours. Delete it"):
        store.get("a")
    store.close()


def files_beside(path: Path) -> dict[str, tuple[bytes, int]]:
    return {
        each.name: (each.read_bytes(), each.stat().st_mtime_ns) for each in path.parent.iterdir()
    }


def test_reading_for_another_run_writes_nothing(path: Path) -> None:
    """Also where nothing can be written: SQLite would make files of its own there."""
    store = opened(path)
    store.put("a", FOUND)
    store.finish()
    store.close()
    path.chmod(0o400)
    path.parent.chmod(0o500)
    before = files_beside(path)
    earlier = Earlier(path, ABOUT)
    assert (earlier.get("a"), earlier.get("b")) == (FOUND, None)
    assert files_beside(path) == before
    earlier.close()
    assert files_beside(path) == before
    path.parent.chmod(0o700)


def test_what_a_killed_run_has_kept_is_read_and_stays_as_it_is(path: Path) -> None:
    store = opened(path)
    store.put("a", FOUND)
    killed = path.with_name("killed.sqlite")
    for suffix in ("", "-wal"):
        Path(f"{killed}{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
    with pytest.raises(ResultError, match="in use by another run"):
        Earlier(path, ABOUT)
    store.close()
    before = files_beside(killed)
    earlier = Earlier(killed, ABOUT)
    assert earlier.get("a") == FOUND
    earlier.close()
    after = files_beside(killed)
    assert {name: after[name] for name in before} == before


def test_a_run_that_begins_to_write_what_is_read_is_told(path: Path) -> None:
    opened(path).close()
    earlier = Earlier(path, ABOUT)
    assert earlier.get("a") is None
    store = opened(path, is_resumed=True)
    with pytest.raises(ResultError, match=r"in use by another run. Wait for that"):
        earlier.get("a")
    store.close()
    earlier.close()
