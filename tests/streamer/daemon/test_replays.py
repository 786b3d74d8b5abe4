"""A daemon that replays a recording: its clients get the events again, and know what they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.conftest import DATA
from tests.support.daemon import DEMO, Daemon, emotiond, running_daemon
from tests.support.schema import check

TINY = ("--model", str(DATA / "tiny.tflite"))
PORTS = ("--port", "0", "--zmq", "off")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a minute, in both forms."""
    path = tmp_path_factory.mktemp("recorded") / "k.wav"
    record = ("--record", str(path), "--record-events", "both")
    ended = emotiond(
        "run", "--source", f"kitchen={DEMO}", *record, *TINY, "--speed", "max", "--once", *PORTS
    )
    assert ended.returncode == 0, ended.stderr
    return path


@pytest.fixture(scope="module")
def daemon(recorded: Path) -> Iterator[Daemon]:
    source = ("--source", f"session:{recorded.with_suffix('.sqlite')}")
    with running_daemon(*source, *TINY, "--speed", "50", "--json") as daemon:
        yield daemon


def recorded_events(path: Path) -> list[dict[str, Any]]:
    lines = map(json.loads, path.with_suffix(".jsonl").read_text("utf-8").splitlines())
    return [line for line in lines if line["type"] in ("emotion", "change")]


def test_standard_output_has_every_event_again(recorded: Path) -> None:
    source = ("--source", f"session:{recorded}")
    ended = emotiond("run", *source, *TINY, "--speed", "max", "--once", "--json", *PORTS)
    assert ended.returncode == 0, ended.stderr
    assert "kitchen is a recording that is replayed, and nobody who speaks now" in ended.stderr
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert [event.pop("replay") for event in events] == [True] * len(events)
    again = [event for event in events if event["type"] != "status"]
    first = recorded_events(recorded)
    assert [{**event, "seq": 0} for event in again] == [{**event, "seq": 0} for event in first]


def test_a_client_gets_them_at_the_speed_asked_for_and_sees_what_they_are(daemon: Daemon) -> None:
    with connect(daemon.websocket_url) as client:
        hello = json.loads(client.recv())
        assert hello["streams"] == ["kitchen"]
        events = []
        while len(events) < 200:  # more than the recording holds: it begins again
            events.append(json.loads(client.recv()))
            check("daemon", events[-1])
        assert all(event["replay"] for event in events)
        client.send('{"type":"past","stream":"kitchen"}')
        past = next(each for each in map(json.loads, client) if each["type"] == "past")
    check("daemon", past)
    ends = [event["end"] for event in events if event["type"] == "emotion"]
    assert ends == sorted(set(ends))
    assert events[-1]["time"] - events[0].get("time", events[-1]["time"]) < 40


def test_its_health_says_so(daemon: Daemon) -> None:
    daemon.wait_until(lambda health: "kitchen" in health["last"])
    health = daemon.health()
    assert (health["status"], health["microphone"]) == ("ok", "off")
    assert health["streams"]["kitchen"]["replay"] is True
    assert health["last"]["kitchen"]["replay"] is True
    assert health["streams"]["kitchen"]["stride_seconds"] == 0.25


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            ["--source", "session:{path}", "--record", "again.wav"],
            "'kitchen' has no sound to record",
        ),
        (["--source", "session:nowhere.jsonl"], "nowhere.jsonl: No such file or directory. Name a"),
        (
            ["--source", "a=session:{path}", "--source", "b={path}", "--speed", "3"],
            "speed 3 is for",
        ),
    ],
)
def test_what_cannot_be_is_one_line(
    recorded: Path, tmp_path: Path, arguments: list[str], reason: str
) -> None:
    filled = [each.format(path=recorded) for each in arguments]
    ended = emotiond("run", *filled, *TINY, *PORTS, cwd=tmp_path)
    assert ended.returncode == 1
    assert reason in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_replay_ends_with_its_daemon(recorded: Path) -> None:
    with running_daemon("--source", f"session:{recorded}", *TINY, "--json") as daemon:
        next(event for event in daemon.events() if event["type"] == "emotion")
        assert daemon.stop() == 0
        *_, end = daemon.events()
        assert end["status"] == "ended"
    assert "Traceback" not in daemon.stderr
