"""Events in SQLite: for the user alone, read by others meanwhile, and read again here."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emotiond.streamer import foreign_database
from emotiond.streamer.protocol.checks import event_of
from emotiond.streamer.protocol.events import Event, Status, to_json
from emotiond.streamer.recordings import database as databases
from emotiond.streamer.recordings import database_reader
from emotiond.streamer.recordings.database import Database
from emotiond.streamer.recordings.database_reader import read_database
from emotiond.streamer.recordings.position import OtherFormatError, Position

SCORES = dict.fromkeys(
    ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"), 0.125
)
MESSAGES: list[dict[str, Any]] = [
    {"type": "status", "seq": 0, "stream": "mic", "status": "running", "detail": "ready",
     "device": "USB", "device_latency_ms": 8.5, "demo": False},
    {"type": "emotion", "seq": 1, "stream": "mic", "start": 0.0, "end": 0.245, "time": 1e9,
     "state": "silence", "label": None, "confidence": None, "scores": None, "raw": None,
     "speech_ratio": 0.0, "level_dbfs": -80.5, "age_ms": None, "dropped_samples": 0},
    {"type": "emotion", "seq": 2, "stream": "mic", "start": 0.0, "end": 0.495, "time": 1e9 + 0.25,
     "state": "speech", "label": "happy", "confidence": 0.125, "scores": SCORES, "raw": SCORES,
     "speech_ratio": 0.5, "level_dbfs": -20.5, "age_ms": 12.5, "dropped_samples": 7, "demo": True},
    {"type": "change", "seq": 3, "stream": "mic", "at": 0.495, "from": None, "to": "happy",
     "held_seconds": 0.495, "demo": True},
]  # fmt: skip
POSITION = Position("mic", 0.0, 0.0, 1e9, session="0" * 32)


def event(values: dict[str, Any]) -> Event:
    found = event_of(values)
    assert found is not None
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "k.sqlite"


@pytest.fixture
def written(path: Path) -> Iterator[Database]:
    """A database with all kinds of events, of which none is committed yet."""
    database = Database(path)
    database.add_position(POSITION)
    for values in MESSAGES:
        database.add(event(values), "")
    yield database
    database.close()


def test_what_is_read_is_what_was_written(path: Path, written: Database) -> None:
    written.flush()
    position, *events = read_database(path)
    assert (position["session"], position["part"]) == ("0" * 32, 1)
    assert [to_json(event(dict(values))) for values in events] == MESSAGES


def test_odd_bytes_of_a_file_s_name_are_escaped_as_in_json(path: Path, written: Database) -> None:
    odd = {**MESSAGES[0], "seq": 4, "detail": "\udcff.wav is gone"}
    written.add(Status(**{k: v for k, v in odd.items() if k != "type"}), "")
    written.flush()
    *_, last = read_database(path)
    assert last["detail"] == "\\udcff.wav is gone"


def test_a_question_in_sql_needs_no_json(path: Path, written: Database) -> None:
    written.flush()
    reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    assert reader.execute(
        "SELECT label, avg(score_happy) FROM events WHERE state = 'speech' GROUP BY label"
    ).fetchall() == [("happy", 0.125)]
    assert reader.execute(
        "SELECT to_label, sum(held_seconds) FROM events WHERE type = 'change'"
    ).fetchall() == [("happy", 0.495)]
    reader.close()


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX modes")
def test_all_files_are_for_the_user_alone_from_the_first_instant(path: Path) -> None:
    before = os.umask(0)
    try:
        database = Database(path)
        database.add(event(MESSAGES[0]), "")
        database.flush()
        found = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
        database.close()
    finally:
        os.umask(before)
    assert found == dict.fromkeys(("k.sqlite", "k.sqlite-wal", "k.sqlite-shm"), 384)


def test_when_it_is_closed_one_file_is_left(path: Path) -> None:
    changed(path)
    assert [each.name for each in path.parent.iterdir()] == ["k.sqlite"]
    assert len([*read_database(path)]) == 2
    assert [each.name for each in path.parent.iterdir()] == ["k.sqlite"]


def test_commits_are_a_second_apart(
    path: Path, written: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(databases.time, "monotonic", lambda: now[0])
    assert written.flush()
    written.add(event(MESSAGES[0]), "")
    now[0] += 0.9
    assert not written.flush()
    now[0] += 0.1
    assert written.flush()


def test_a_file_that_another_program_holds_is_an_error_in_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "LOCK_SECONDS", 0.05)
    database = Database(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    database.add(event(MESSAGES[0]), "")
    with pytest.raises(OSError, match="database is locked"):
        database.flush()
    other.close()
    database.close()
    assert len([*read_database(path)]) == 1


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX modes")
def test_beside_files_of_others_none_is_made(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(OSError, match="every user can make files"):
        Database(tmp_path / "k.sqlite")
    assert list(tmp_path.iterdir()) == []


def changed(path: Path, *statements: str) -> None:
    """Write something else into the database that a daemon has made."""
    database = Database(path)
    database.add_position(POSITION)
    database.add(event(MESSAGES[0]), "")
    database.close()
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_another_version_is_refused(path: Path) -> None:
    changed(path, "PRAGMA user_version = 2")
    with pytest.raises(OtherFormatError, match="format 2, not 1"):
        list(read_database(path))


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"


def numbered_by(kind: str) -> list[str]:
    """Statements that give the rows numbers of another kind."""
    columns = ", ".join(f'"{name}"' for name in databases.EVENT_COLUMNS)
    return [
        "ALTER TABLE events RENAME TO old",
        f"CREATE TABLE events (id {kind} PRIMARY KEY, {columns})",
        f"INSERT INTO events SELECT id, {columns} FROM old",  # noqa: S608 - names of ours
    ]


@pytest.mark.parametrize(
    "statements",
    [
        ["PRAGMA application_id = 1"],
        ["DROP TABLE events"],
        ["DROP TABLE events", "CREATE TABLE events (id INTEGER PRIMARY KEY)"],
        ["ALTER TABLE events RENAME TO old", f"CREATE VIEW events AS {ENDLESS}"],
        ["ALTER TABLE events DROP COLUMN detail",
         "ALTER TABLE events ADD COLUMN detail AS (hex(zeroblob(1000000)))"],
        ["UPDATE events SET detail = zeroblob(10000000)"],
        ["UPDATE events SET id = id + 9007199254740992"],
        numbered_by("REAL"),
        numbered_by("TEXT"),
    ],
)  # fmt: skip
def test_what_is_no_such_database_is_refused(path: Path, statements: list[str]) -> None:
    if "zeroblob(10000000)" in statements[-1] and sys.version_info < (3, 11):
        pytest.skip("Python 3.10 cannot limit values")
    changed(path, *statements)
    with pytest.raises(OSError, match="no whole database of a recording"):
        list(read_database(path))


def test_damage_is_an_error_and_no_crash(path: Path) -> None:
    changed(path)
    content = bytearray(path.read_bytes())
    for place in range(4096 + 8, len(content), 3):
        content[place] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(OSError, match="no whole database"):
        list(read_database(path))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda _path: None, "No such file"),
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.write_bytes(b""), "no whole database"),
        (lambda path: path.write_text(json.dumps(MESSAGES)), "not a database"),
    ],
)
def test_what_cannot_be_opened_is_told(
    path: Path, make: Callable[[Path], None], reason: str
) -> None:
    make(path)
    with pytest.raises(OSError, match=reason):
        list(read_database(path))


def test_an_answer_without_end_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(path)
    monkeypatch.setattr(database_reader, "MOST_STEP_SECONDS", -1)
    monkeypatch.setattr(foreign_database, "STEPS", 1)
    with pytest.raises(OSError, match="interrupted"):
        list(read_database(path))
