"""The history of analysed files, against running daemons that share a file."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from emotiond.streamer.protocol.events import encode
from emotiond.streamer.protocol.requests import LONGEST_NAME
from emotiond.streamer.server.limits import Limits
from emotiond.streamer.uploads.archive import MOST_FILES
from tests.conftest import DATA
from tests.support.caller import Caller, calling, listed, pcm, recalled
from tests.support.daemon import PATIENCE_SECONDS, Daemon, emotiond, running_daemon
from tests.support.signals import demo

VOICE = pcm(demo()[:32_000])
HOSTILE = [
    "",
    "<script>alert(1)</script>",
    "'; DROP TABLE files; --",
    "../../etc/passwd\x00\n\x1b[31m",
    "\u202egnp.exe \U0001f600 e\u0301",
    "half of a character: \ud800",
    "x" * 200,
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "history.sqlite"


def daemon_with(history: Path | str, **options: object) -> AbstractContextManager[Daemon]:
    tiny = str(DATA / "tiny.tflite")
    return running_daemon("--source", "demo", "--model", tiny, "--history", str(history), **options)


def daemon_of(data: Path | str) -> AbstractContextManager[Daemon]:
    """A daemon that keeps its history where it does unasked."""
    environment = {**os.environ, "XDG_DATA_HOME": str(data)}
    tiny = str(DATA / "tiny.tflite")
    return running_daemon("--source", "demo", "--model", tiny, environment=environment)


@pytest.fixture
def caller(file: Path) -> Iterator[Caller]:
    with daemon_with(file) as daemon, calling(daemon.websocket_url) as caller:
        yield caller


def test_the_history_is_empty_at_first_and_has_no_file(file: Path) -> None:
    with daemon_with(file) as daemon, calling(daemon.websocket_url) as caller:
        assert not file.exists()
        assert listed(caller) == []


def test_an_analysed_file_is_listed_with_its_result(caller: Caller) -> None:
    analysis = caller.analysis(VOICE, name="holiday.mp4")
    (kept,) = listed(caller)
    assert set(kept) == {
        "id", "name", "time", "duration", "label", "confidence", "scores", "shares", "bytes",
    }  # fmt: skip
    assert kept.pop("bytes") > 0
    assert kept.items() <= analysis.items()
    assert kept["name"] == "holiday.mp4"


def test_a_whole_file_is_finished_and_kept_although_its_client_leaves(file: Path) -> None:
    slow = ("--source", "demo", "--model", str(DATA / "slow.tflite"), "--history", str(file))
    with running_daemon(*slow) as daemon:
        with calling(daemon.websocket_url) as leaving:
            leaving.start(name="whole.wav")
            leaving.send(pcm(demo()[:32_000]))
            leaving.say("end")
            leaving.say("ping")
            leaving.until("pong")  # so its end was read
        with calling(daemon.websocket_url) as leaving:
            leaving.start(name="half.wav")
            leaving.send(VOICE)
            leaving.until("emotion")
        with calling(daemon.websocket_url) as caller:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not (files := listed(caller)) and time.monotonic() < deadline:
                time.sleep(0.1)
        assert [(kept["name"], kept["duration"]) for kept in files] == [("whole.wav", 2.0)]


def test_the_newest_comes_first(caller: Caller) -> None:
    for name in ("a", "b", "c"):
        caller.analysis(VOICE, name=name)
    assert [kept["name"] for kept in listed(caller)] == ["c", "b", "a"]


def test_the_events_of_a_file_can_be_seen_again(caller: Caller) -> None:
    analysis = caller.analysis(VOICE, name="voice")
    published = [e for e in caller.events(analysis["stream"]) if e["type"] != "status"]
    about, events = recalled(caller, analysis["id"])
    assert events == published
    assert len(events) == analysis["events"]
    assert {**about, "type": "analysis"}.items() <= analysis.items()


def test_many_events_come_in_several_messages(caller: Caller) -> None:
    voice = pcm(demo())
    caller.start()
    caller.send(voice + voice)
    caller.say("end")
    analysis = caller.until("analysis")
    published = [e for e in caller.events(analysis["stream"]) if e["type"] != "status"]
    assert len(published) > 200
    _, events = recalled(caller, analysis["id"])
    assert events == published
    parts = [m for m in caller.received if m["type"] == "recalled"]
    assert len(parts) == -(-len(published) // 50)


def test_a_file_without_an_event_can_be_seen_again_too(caller: Caller) -> None:
    analysis = caller.analysis(b"")
    assert recalled(caller, analysis["id"])[1] == []


def test_results_and_hostile_names_survive_a_restart(file: Path) -> None:
    with daemon_with(file) as daemon, calling(daemon.websocket_url) as caller:
        for name in HOSTILE:
            assert caller.analysis(VOICE, name=name)["name"] == name
        before = listed(caller)
        assert daemon.stop() == 0
    with daemon_with(file) as daemon, calling(daemon.websocket_url) as caller:
        assert listed(caller) == before
        assert [kept["name"] for kept in before] == HOSTILE[::-1]
        for kept in before:
            about, events = recalled(caller, kept["id"])
            assert about["name"] == kept["name"]
            assert events
        assert daemon.stop() == 0
        assert "script" not in daemon.stderr


def test_a_deleted_result_is_gone_from_every_list_and_from_the_file(file: Path) -> None:
    with (
        daemon_with(file) as daemon,
        calling(daemon.websocket_url) as caller,
        calling(daemon.websocket_url) as other,
        calling(daemon.websocket_url) as stranger,
    ):
        numbers = [caller.analysis(VOICE, name=f"secret {i}")["id"] for i in range(3)]
        assert len(listed(other)) == 3
        caller.say("forget", ids=[numbers[0], numbers[2], 999])
        for one in (caller, other):
            assert [kept["id"] for kept in one.until("history")["files"]] == [numbers[1]]
        caller.say("recall", id=numbers[0])
        assert caller.until("error")["error"] == "unknown-file"
        stranger.until("emotion")
        assert not [m for m in stranger.received if m["type"] == "history"]  # it has not asked
        assert b"secret 1" in file.read_bytes()
        assert b"secret 0" not in file.read_bytes()
        assert caller.analysis(VOICE)["id"] == numbers[2] + 1  # a number is never used again


def test_a_deleted_file_stays_deleted_if_the_daemon_is_killed(file: Path) -> None:
    with daemon_with(file) as daemon, calling(daemon.websocket_url) as caller:
        first, second = (caller.analysis(VOICE, name=name)["id"] for name in ("a", "b"))
        caller.say("forget", ids=[first])
        (kept,) = caller.until("history")["files"]
        daemon.process.kill()
        assert kept["id"] == second
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT id FROM files").fetchall() == [(second,)]


def test_no_audio_is_stored(caller: Caller, file: Path) -> None:
    caller.analysis(VOICE)
    assert file.stat().st_size < len(VOICE) / 2
    assert [path.name for path in file.parent.iterdir()] == ["history.sqlite"]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_only_the_user_may_read_the_history(caller: Caller, file: Path) -> None:
    caller.analysis(VOICE)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_by_default_it_is_in_the_users_data_folder(tmp_path: Path) -> None:
    with daemon_of(tmp_path) as daemon, calling(daemon.websocket_url) as caller:
        caller.analysis(VOICE)
    assert (tmp_path / "emotiond" / "history.sqlite").exists()


def test_history_can_be_off(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path)}
    with (
        daemon_with("off", environment=environment) as daemon,
        calling(daemon.websocket_url) as caller,
    ):
        assert caller.hello["client_streams"]["history"] is False
        assert caller.analysis(VOICE)["id"] is None
        for fields in (
            {"type": "history"},
            {"type": "recall", "id": 1},
            {"type": "forget", "ids": []},
        ):
            caller.connection.send(json.dumps(fields))
            assert caller.until("error")["error"] == "history-off"
    assert list(tmp_path.iterdir()) == []


def test_the_number_of_results_is_limited(file: Path) -> None:
    with daemon_with(file) as daemon, calling(daemon.websocket_url) as caller:
        first = caller.analysis(VOICE, name="\x1f" * LONGEST_NAME)  # no name takes more bytes
        with closing(sqlite3.connect(file)) as database, database:
            row = database.execute("SELECT result, events FROM files").fetchone()
            database.executemany(
                "INSERT INTO files (result, events) VALUES (?, ?)", [row] * (MOST_FILES - 1)
            )
        files = listed(caller)
        assert len(files) == MOST_FILES
        assert len(encode({"type": "history", "files": files})) < Limits.unread_bytes * 0.9
        caller.analysis(VOICE, name="the newest")
        files = listed(caller)
        assert len(files) == MOST_FILES
        assert files[0]["name"] == "the newest"
        assert first["id"] not in [kept["id"] for kept in files]


def assert_daemon_works(caller: Caller) -> None:
    """The daemon reports that its history does not work, and goes on."""
    caller.say("history")
    error = caller.until("error")
    assert (error["error"], error["about"]) == ("history-failed", "history")
    assert "--history" in error["detail"]
    caller.start(name="voice")
    caller.send(VOICE)
    caller.say("end")
    analysis = caller.until("analysis")
    assert analysis["id"] is None
    assert analysis["duration"] == 2.0
    assert caller.until("error")["error"] == "history-failed"
    caller.until("emotion", stream="demo")


def assert_refused(history: Path | str) -> None:
    """The daemon does not start with a history that was asked for by name and cannot be used."""
    tiny = str(DATA / "tiny.tflite")
    quiet = ("--port", "0", "--zmq", "off", "--source", "demo", "--once")
    ended = emotiond("run", *quiet, "--model", tiny, "--history", str(history))
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert f"the history in {history} cannot be used" in line


@pytest.fixture
def unasked(tmp_path: Path) -> Path:
    """Where the daemon keeps its history unasked, in a data folder of the test."""
    (tmp_path / "emotiond").mkdir()
    return tmp_path / "emotiond" / "history.sqlite"


@pytest.mark.parametrize(
    "content", [b"not a database" * 100, b"SQLite format 3\x00" + b"\xff" * 5000]
)
def test_a_corrupt_file_is_left_alone_and_the_daemon_works(unasked: Path, content: bytes) -> None:
    unasked.write_bytes(content)
    with daemon_of(unasked.parents[1]) as daemon, calling(daemon.websocket_url) as caller:
        assert_daemon_works(caller)
    assert_refused(unasked)
    assert unasked.read_bytes() == content


def test_rows_that_make_no_sense_are_an_error_and_the_daemon_works(file: Path) -> None:
    with daemon_with(file) as daemon, calling(daemon.websocket_url) as caller:
        number = caller.analysis(VOICE)["id"]
        with closing(sqlite3.connect(file)) as database, database:
            database.execute("UPDATE parts SET events = x'00'")
        caller.say("recall", id=number)
        assert caller.until("error")["error"] == "history-failed"
        with closing(sqlite3.connect(file)) as database, database:
            database.execute("UPDATE files SET result = '{'")
        caller.say("history")
        assert caller.until("error")["error"] == "history-failed"
        caller.until("emotion", stream="demo")


def test_a_locked_file_is_waited_for_a_second_and_the_daemon_works(file: Path) -> None:
    with daemon_with(file) as daemon, calling(daemon.websocket_url) as caller:
        number = caller.analysis(VOICE)["id"]
        with closing(sqlite3.connect(file, isolation_level=None)) as database:
            database.execute("BEGIN EXCLUSIVE")
            assert_daemon_works(caller)
            database.execute("COMMIT")
        assert [kept["id"] for kept in listed(caller)] == [number]


def test_a_file_of_a_later_version_is_left_alone(unasked: Path) -> None:
    with closing(sqlite3.connect(unasked)) as database, database:
        database.execute("PRAGMA user_version = 2")
    with daemon_of(unasked.parents[1]) as daemon, calling(daemon.websocket_url) as caller:
        assert_daemon_works(caller)
    assert_refused(unasked)


@pytest.mark.parametrize("data", ["/proc", "/dev/null"])
def test_a_place_that_cannot_be_written_is_an_error_and_the_daemon_works(data: str) -> None:
    with daemon_of(data) as daemon, calling(daemon.websocket_url) as caller:
        assert_daemon_works(caller)
        assert "cannot be used" in daemon.stderr


@pytest.mark.parametrize("path", ["/proc/emotiond/history.sqlite", "/dev/null/history.sqlite", "/"])
def test_a_place_by_name_that_cannot_be_used_is_refused_at_the_start(path: str) -> None:
    assert_refused(path)


@pytest.mark.skipif(sys.platform != "linux", reason="sets a limit of another process")
def test_a_full_disk_does_not_damage_the_history(file: Path) -> None:
    import resource

    with daemon_with(file) as daemon, calling(daemon.websocket_url) as caller:
        number = caller.analysis(VOICE)["id"]
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (4096, 4096))
        caller.start()
        caller.send(VOICE)
        caller.say("end")
        assert caller.until("analysis")["id"] is None
        assert caller.until("error")["error"] == "history-failed"
        assert [kept["id"] for kept in listed(caller)] == [number]
        assert recalled(caller, number)[1]
