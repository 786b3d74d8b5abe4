"""A recorded session is read part by part, whatever stands in its files."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotiond.exceptions import SourceError
from emotiond.streamer.protocol.checks import event_of
from emotiond.streamer.protocol.events import encode, to_json
from emotiond.streamer.recordings.database import Database
from emotiond.streamer.recordings.position import Position, position_to_json
from emotiond.streamer.recordings.session import MOST_DAMAGED, Session
from tests.support.schema import check

SESSION, OTHER = "a" * 32, "b" * 32
Object = dict[str, Any]


def emotion(seq: int, stream: str = "mic") -> Object:
    return {
        "type": "emotion", "seq": seq, "stream": stream, "start": 0.0, "end": seq / 4 + 0.25,
        "time": 1e9 + seq, "state": "silence", "label": None, "confidence": None, "scores": None,
        "raw": None, "speech_ratio": 0.0, "level_dbfs": -80.5, "age_ms": 1.5, "dropped_samples": 0,
    }  # fmt: skip


def position(part: int = 1, session: str = SESSION, **more: Any) -> Object:
    found = position_to_json(Position("mic", 0.0, 0.0, 1e9, session=session, part=part))
    return {**found, **more}


def write(path: Path, *messages: object) -> Path:
    """A file of lines; what is no text is JSON."""
    lines = (each if isinstance(each, str) else json.dumps(each) for each in messages)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def numbers(session: Session) -> list[int]:
    return [event.seq for event in session.events()]


def test_events_come_as_they_were_recorded(tmp_path: Path) -> None:
    session = Session(write(tmp_path / "k.jsonl", position(), emotion(0), emotion(1)))
    assert session.stream == "mic"
    assert [to_json(event) for event in session.events()] == [emotion(0), emotion(1)]
    assert numbers(session) == [0, 1]  # and once more
    assert session.damage.count == 0


@pytest.mark.parametrize("name", ["k.wav", "k.jsonl"])
def test_any_file_of_a_part_names_it(tmp_path: Path, name: str) -> None:
    write(tmp_path / "k.jsonl", position(), emotion(0))
    (tmp_path / "k.wav").touch()
    assert numbers(Session(tmp_path / name)) == [0]


def test_a_database_is_read_like_lines(tmp_path: Path) -> None:
    database = Database(tmp_path / "k.sqlite")
    database.add_position(Position("mic", 0.0, 0.0, 1e9, session=SESSION))
    for seq in range(450):  # several answers of SQLite
        event = event_of(emotion(seq))
        assert event is not None
        database.add(event, "")
    database.close()
    for name in ("k.sqlite", "k.wav"):
        assert numbers(Session(tmp_path / name)) == list(range(450))


def test_a_database_without_what_lay_beside_it_is_known_and_empty(tmp_path: Path) -> None:
    database = Database(tmp_path / "k.sqlite")
    shutil.copy(tmp_path / "k.sqlite", tmp_path / "copy.sqlite")
    database.close()
    with pytest.raises(SourceError, match="it holds no event"):
        Session(tmp_path / "copy.sqlite")


def test_the_parts_of_one_run_follow_in_order(tmp_path: Path) -> None:
    for part, stem in enumerate(("k-20261129T000000Z", "k-20261129T000100Z", "k-9"), start=1):
        write(tmp_path / f"{stem}.jsonl", position(part), emotion(part))
    write(tmp_path / "k-20261129T000050Z.jsonl", position(2, OTHER), emotion(8))
    write(tmp_path / "kk-20261129T000050Z.jsonl", position(2), emotion(9))
    write(tmp_path / "k-20261129T000051Z.jsonl", "nonsense")
    first, second = (tmp_path / f"k-20261129T000{part}00Z.jsonl" for part in (0, 1))
    assert numbers(Session(first)) == [1, 2, 3]
    assert numbers(Session(second)) == [2, 3]


def test_files_of_before_there_were_parts_are_read(tmp_path: Path) -> None:
    old = {"type": "recording", "stream": "mic", "file_seconds": 0.0, "stream_seconds": 0.0,
           "time": 1e9}  # fmt: skip
    path = write(tmp_path / "k.jsonl", emotion(0), old, emotion(1))
    write(tmp_path / "k-2.jsonl", old, emotion(7))  # of another run
    assert numbers(Session(path)) == [0, 1]


def test_a_line_that_a_killed_daemon_has_not_finished_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "k.jsonl", position(), emotion(0), emotion(1))
    path.write_bytes(path.read_bytes()[:-40])
    session = Session(path)
    assert numbers(session) == [0]
    assert session.damage.count == 0


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "no object with a type"),
        ("[1, 2]", "no object with a type"),
        ("\x00\x01", "no object with a type"),
        ("x" * 100_000, "far too long"),
        ("[" * 60_000, "no object with a type"),
        ({**emotion(5), "level_dbfs": float("nan")}, "must be finite"),
        ({**emotion(5), "seq": "5"}, "must be a whole number"),
        ({**emotion(5), "stream": "\u202eevil"}, "its stream has no name"),
        ({**emotion(5), "scores": {"happy": 1}}, "other scores"),
        ({"type": "emotion"}, "is missing"),
        ({"type": "recording"}, "is missing"),
        ({**position(), "session": "../../etc"}, "its session has no number"),
    ],
    ids=range(12),
)
def test_a_damaged_line_is_left_out_and_told(tmp_path: Path, line: object, problem: str) -> None:
    path = write(tmp_path / "k.jsonl", position(), emotion(0), line, emotion(1))
    session = Session(path)
    assert numbers(session) == [0, 1]
    assert session.damage.count == 1
    assert session.damage.first is not None
    assert session.damage.first.startswith(f"{path}: line 3 is left out: ")
    assert problem in session.damage.first


def test_what_a_later_version_adds_and_other_streams_are_passed_over(tmp_path: Path) -> None:
    later = {"type": "mood"}
    path = write(
        tmp_path / "k.jsonl", position(note="x"), emotion(0), later, emotion(4, "radio"),
        "", {**emotion(1), "heart_rate": 80},
    )  # fmt: skip
    session = Session(path)
    assert numbers(session) == [0, 1]
    assert session.damage.count == 0


def test_a_file_of_damage_is_given_up(tmp_path: Path) -> None:
    path = write(tmp_path / "k.jsonl", emotion(0), *["{"] * (MOST_DAMAGED + 1))
    with pytest.raises(SourceError, match="more than 1000 lines are no events"):
        numbers(Session(path))
    with pytest.raises(SourceError, match="more than 1000 lines"):
        Session(write(tmp_path / "x.jsonl", *["{"] * (MOST_DAMAGED + 1), emotion(0)))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("k.jsonl", None, "No such file"),
        ("k.wav", None, "there is no such file"),
        ("k.wav", "", "there are no events beside it"),
        ("k.mp3", "", "it is no file of a session"),
        ("", None, "it is no file of a session"),
        ("k.jsonl", "", "it holds no event"),
        ("k.jsonl", json.dumps(position()) + "\n", "it holds no event"),
        ("k.jsonl", json.dumps(position(format=2)) + "\n", "format 2, not 1. Use the version of"),
        ("k.sqlite", "some text that is no database", "no whole database"),
        ("k\0.jsonl", None, "null"),
    ],
)
def test_what_is_no_session_is_one_line(
    tmp_path: Path, name: str, content: str | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(SourceError, match=reason) as caught:
        Session(tmp_path / name)
    assert len(str(caught.value).splitlines()) == 1


def test_lines_without_end_and_without_an_event_are_not_read_through(tmp_path: Path) -> None:
    path = write(tmp_path / "k.jsonl", *[{"type": "mood"}] * 10_000, emotion(0))
    with pytest.raises(SourceError, match="it holds no event"):
        Session(path)


@pytest.mark.skipif(os.name != "posix", reason="needs pipes")
def test_a_pipe_or_a_folder_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "k.jsonl")
    (tmp_path / "d.sqlite").mkdir()
    for name in ("k.jsonl", "k.wav", "d.sqlite"):
        with pytest.raises(SourceError):
            Session(tmp_path / name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=60) | JSON | st.tuples(st.text(max_size=8), JSON), max_size=8))
def test_whatever_stands_in_a_file_what_comes_out_is_of_the_protocol(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Any]
) -> None:
    path = tmp_path_factory.mktemp("session") / "k.jsonl"
    fields = sorted(emotion(0))
    lines = [encode(emotion(0)).encode()]
    for entry in entries:
        if isinstance(entry, tuple):
            name = fields[len(entry[0]) % len(fields)]
            lines.append(json.dumps({**emotion(1), name: entry[1]}).encode())
            continue
        lines.append(entry if isinstance(entry, bytes) else json.dumps(entry).encode())
    path.write_bytes(b"\n".join(lines) + b"\n")
    for event in Session(path).events():
        check("daemon", to_json(event))
