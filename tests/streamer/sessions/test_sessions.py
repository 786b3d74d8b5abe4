"""Recorded sessions at running daemons: listed, sent piece by piece, deleted."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emotiond.inference.card import LABELS
from emotiond.streamer.protocol.events import to_json
from emotiond.streamer.sessions.sessions import MOST_SESSIONS, PIECE_EVENTS
from tests.conftest import DATA
from tests.support.caller import Caller, Object, calling
from tests.support.daemon import PATIENCE_SECONDS, Daemon, running_daemon
from tests.support.recorded import record

OPTIONS = ("--source", "demo", "--model", str(DATA / "tiny.tflite"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="module")
def daemon(folder: Path) -> Iterator[Daemon]:
    with running_daemon(*OPTIONS, "--record", str(folder / "now.wav")) as daemon:
        yield daemon


@pytest.fixture
def caller(daemon: Daemon) -> Iterator[Caller]:
    with calling(daemon.websocket_url) as caller:
        yield caller


def sessions(caller: Caller) -> list[Object]:
    caller.say("sessions")
    listed: list[Object] = caller.until("sessions")["sessions"]
    return listed


def session(caller: Caller, name: str) -> Object:
    """A session, which has its place in the list when its first line is written."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := [each for each in sessions(caller) if each["name"] == name]):
        assert time.monotonic() < deadline, f"{name} is not listed"
    return found[0]


def read(caller: Caller, number: str) -> list[Object]:
    """All pieces of a session."""
    pieces: list[Object] = []
    after: int | None = 0
    while after is not None:
        caller.say("session", id=number, after=after)
        pieces.append(caller.until("session", id=number, after=after))
        after = pieces[-1]["next"]
    return pieces


def events_of(pieces: list[Object]) -> list[Object]:
    """Events as they were recorded."""
    events = []
    for columns in (piece["events"] for piece in pieces):
        for index in range(len(columns["seq"])):
            event: dict[str, Any] = {name: values[index] for name, values in columns.items()}
            for name in ("scores", "raw"):
                event[name] = event[name] and dict(zip(LABELS, event[name], strict=True))
            events.append(event)
    return events


def metric(daemon: Daemon, name: str) -> float:
    with urllib.request.urlopen(f"{daemon.page_url}metrics", timeout=10) as response:  # noqa: S310
        lines = response.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith(name + " ")).split()[1])


def test_hello_says_whether_there_are_sessions(caller: Caller) -> None:
    assert caller.hello["sessions"] is True
    with running_daemon(*OPTIONS) as other, calling(other.websocket_url) as asking:
        assert asking.hello["sessions"] is False
        asking.say("sessions")
        assert asking.until("error", about="sessions")["error"] == "sessions-off"


def test_earlier_sessions_and_the_present_one_are_listed_with_their_storage(
    caller: Caller, folder: Path
) -> None:
    record(folder / "talk.wav", ("sad",) * 40, begin=30.0)
    session(caller, "now")
    caller.say("sessions")
    answer = caller.until("sessions")
    listed = {each["name"]: each for each in answer["sessions"]}
    assert (listed["talk"]["begin"], listed["talk"]["duration"]) == (30.0, 10.0)
    assert listed["talk"]["bytes"] == sum(
        (folder / f"talk.{end}").stat().st_size for end in ("wav", "jsonl")
    )
    assert {name: each["recording"] for name, each in listed.items()} == {
        "talk": False, "now": True,
    }  # fmt: skip
    assert answer["count"] == len(listed)
    assert answer["bytes"] == sum(each["bytes"] for each in answer["sessions"])
    assert str(folder) not in json.dumps(answer)


def test_the_events_come_piece_by_piece_and_are_those_of_the_recording(
    caller: Caller, folder: Path
) -> None:
    events = record(folder / "long.wav", ("happy", "sad") * (PIECE_EVENTS + 30))
    pieces = read(caller, session(caller, "long")["id"])
    assert [len(piece["events"]["seq"]) for piece in pieces] == [PIECE_EVENTS] * 2 + [60]
    expected = [to_json(event) for event in events]
    for each in expected:
        for name in ("type", "stream", "confidence"):
            del each[name]
    assert events_of(pieces) == expected


def test_the_present_session_is_read_up_to_what_is_written(caller: Caller) -> None:
    caller.until("emotion", state="speech")
    number = session(caller, "now")["id"]
    while not (events := events_of(read(caller, number))):
        pass  # it is written four times a second
    later = events_of(read(caller, number))
    assert later[: len(events)] == events
    assert session(caller, "now")["id"] == number  # although it has grown


def test_a_deleted_session_is_gone_with_its_sound_and_the_present_one_stays(
    caller: Caller, daemon: Daemon, folder: Path
) -> None:
    record(folder / "gone.wav", forms=["jsonl", "sqlite"])
    files, size = (
        metric(daemon, f"emotiond_session_deleted_{what}_total") for what in ("files", "bytes")
    )
    gone, now = session(caller, "gone"), session(caller, "now")
    caller.say("delete-sessions", ids=[now["id"], gone["id"], "0" * 32])
    left = caller.until("sessions")
    assert not {"gone"} & {each["name"] for each in left["sessions"]}
    refused = caller.until("error", about="delete-sessions")
    assert refused["error"] == "session-failed"
    assert "now is being recorded" in refused["detail"]
    assert {path.name for path in folder.iterdir()} & {"gone.wav", "gone.jsonl", "gone.sqlite"} == (
        set()
    )
    assert {"now.wav", "now.jsonl"} <= {path.name for path in folder.iterdir()}
    assert metric(daemon, "emotiond_session_deleted_files_total") == files + 3
    assert metric(daemon, "emotiond_session_deleted_bytes_total") == size + gone["bytes"]
    assert "deleted the recording gone" in daemon.error_line("deleted the recording gone")
    caller.say("session", id=gone["id"])
    assert caller.until("error", about="session")["error"] == "unknown-session"


def test_all_who_have_the_list_see_a_deletion_and_the_others_hear_nothing(
    caller: Caller, daemon: Daemon, folder: Path
) -> None:
    with calling(daemon.websocket_url) as other, calling(daemon.websocket_url) as stranger:
        record(folder / "shared.wav")
        session(caller, "now")  # from here on, the list changes by deletions alone
        number = session(caller, "shared")["id"]
        session(other, "shared")
        caller.say("delete-sessions", ids=[number])
        assert number not in {each["id"] for each in other.until("sessions")["sessions"]}
        caller.say("delete-sessions", ids=[number])  # nothing is left to delete
        for _ in range(2):
            caller.until("sessions")
        before = sum(message["type"] == "sessions" for message in other.received)
        other.say("ping")
        other.until("pong")
        assert sum(message["type"] == "sessions" for message in other.received) == before
        sessions(stranger)
    assert sum(message["type"] == "sessions" for message in stranger.received) == 1


@pytest.mark.parametrize(
    "number", ["", "now", "../now", "/etc/passwd", "%2e%2e/now.wav", "0" * 32, "\x00", "x" * 5000]
)
def test_what_is_no_id_reads_and_deletes_nothing(caller: Caller, folder: Path, number: str) -> None:
    before = {path.name for path in folder.iterdir()}
    caller.say("session", id=number)
    assert caller.until("error", about="session")["error"] == "unknown-session"
    caller.say("delete-sessions", ids=[number])
    caller.until("sessions")
    assert {path.name for path in folder.iterdir()} == before


def test_any_place_in_a_session_is_answered(caller: Caller, folder: Path) -> None:
    for form in ("jsonl", "sqlite"):
        record(folder / f"{form}.wav", forms=[form])  # type: ignore[list-item]
        number = session(caller, form)["id"]
        for after in (1, 7, 10**6, 2**53):
            caller.say("session", id=number, after=after)
            assert caller.until("session", after=after)["next"] is None
    caller.connection.send(json.dumps({"type": "session", "id": number, "after": -1}))
    assert caller.until("error", about="session")["error"] == "bad-message"


def test_hostile_names_and_contents_are_listed_as_text(caller: Caller, folder: Path) -> None:
    names = ["<img src=x onerror=alert(1)>", "\u202egnp", "line\nbreak", "odd \udcff byte"]
    for name in names:
        record(folder / f"{name}.wav", stream="mic")
    (folder / "nonsense.jsonl").write_bytes(b"\xff" * 200_000)
    listed = {each["name"] for each in sessions(caller)}
    assert {*names} < listed
    assert "nonsense" not in listed
    for name in names:
        for ending in (".wav", ".jsonl"):
            (folder / f"{name}{ending}").unlink()


def test_live_events_go_on_while_sessions_are_read(caller: Caller, daemon: Daemon) -> None:
    number = session(caller, "now")["id"]
    with calling(daemon.websocket_url) as other:
        seen = [other.until("emotion")["seq"]]
        for _ in range(8):
            for _ in range(5):
                caller.say("session", id=number)
            caller.until("session")
            seen.append(other.until("emotion")["seq"])
    heard = {m["seq"] for m in other.received if "seq" in m and m["seq"] >= seen[0]}
    assert heard == {*range(seen[0], seen[-1] + 1)}


def test_a_list_names_a_limited_number_and_counts_all(
    tmp_path: Path, folder: Path, caller: Caller
) -> None:
    record(tmp_path / "k.wav", ("sad",) * 2)
    line = (tmp_path / "k.jsonl").read_bytes()
    made = [folder / f"many-{index}.jsonl" for index in range(MOST_SESSIONS + 3)]
    for path in made:
        path.write_bytes(line)
    caller.say("sessions")
    answer = caller.until("sessions")
    for path in made:
        path.unlink()
    assert len(answer["sessions"]) == MOST_SESSIONS
    assert answer["count"] > MOST_SESSIONS + 3


def test_several_clients_that_ask_at_once_are_all_answered(daemon: Daemon) -> None:
    with calling(daemon.websocket_url) as one, calling(daemon.websocket_url) as other:
        for _ in range(30):
            one.say("sessions")
            other.say("sessions")
        for each in (one, other):
            for _ in range(30):
                each.until("sessions")
