"""A muted daemon has no recorder at the sound server, which the tests ask."""

from __future__ import annotations

import itertools
import json
import signal
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.support.daemon import DEMO, Daemon, running_daemon
from tests.support.sound_server import SoundServer

pytestmark = pytest.mark.system

MIC = ("--source", "mic", "--model", "lite")
Events = Iterator[dict[str, Any]]


def events_of(client: ClientConnection) -> Events:
    return (json.loads(text) for text in client)


def until(events: Events, status: str) -> dict[str, Any]:
    return next(event for event in events if event.get("status") == status)


def microphone_state(daemon: Daemon) -> tuple[str, bool]:
    """Return the state in ``/healthz``, and whether the microphone is open in ``/metrics``."""
    with urllib.request.urlopen(f"{daemon.page_url}healthz", timeout=60) as response:  # noqa: S310
        state = json.load(response)["microphone"]
    with urllib.request.urlopen(f"{daemon.page_url}metrics", timeout=60) as response:  # noqa: S310
        return state, b"\nemotiond_microphone_open 1\n" in response.read()


def is_recording(server: SoundServer) -> bool:
    return any(name.startswith("python") for name in server.recorders())


def test_a_listener_mutes_and_unmutes_the_microphone_for_all(microphone: SoundServer) -> None:
    with (
        running_daemon(*MIC, environment=microphone.environment) as daemon,
        connect(daemon.websocket_url) as one,
        connect(daemon.websocket_url) as other,
    ):
        received = events_of(other)
        until(received, "running")
        before = next(event for event in received if event["type"] == "emotion")
        assert is_recording(microphone)
        assert microphone_state(daemon) == ("on", True)

        one.send('{"type":"mute","muted":true}')
        muted = until(received, "muted")
        assert "unmuted" in muted["detail"]
        assert not is_recording(microphone)
        assert microphone_state(daemon) == ("muted", False)
        with connect(daemon.websocket_url) as late:  # a later client learns it, too
            until(events_of(late), "muted")

        one.send('{"type":"mute","muted":false}')
        until(received, "running")
        assert is_recording(microphone)
        assert microphone_state(daemon) == ("on", True)
        after = [event for event, _ in zip(received, range(4), strict=False)]
        assert after[0]["state"] == "warmup"  # nothing is carried over
        assert after[0]["start"] > before["end"]
        assert after[-1]["dropped_samples"] == before["dropped_samples"]  # nothing was lost
        assert max(event["age_ms"] for event in after) < 10_000


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_signal_does_the_same(microphone: SoundServer) -> None:
    arguments = (*MIC, "--json")
    with running_daemon(*arguments, environment=microphone.environment) as daemon:
        events = daemon.events()
        until(events, "running")
        daemon.process.send_signal(signal.SIGUSR1)
        until(events, "muted")
        assert not is_recording(microphone)
        daemon.process.send_signal(signal.SIGUSR1)
        until(events, "running")
        assert is_recording(microphone)
        assert daemon.stop() == 0


def test_positions_go_on_by_the_clock_while_it_is_muted(microphone: SoundServer) -> None:
    arguments = (*MIC, "--json")
    with running_daemon(*arguments, environment=microphone.environment) as daemon:
        events = daemon.events()
        first = next(event for event in events if event["type"] == "emotion")
        daemon.process.send_signal(signal.SIGUSR1)
        until(events, "muted")
        time.sleep(1.0)  # what is measured is time itself
        daemon.process.send_signal(signal.SIGUSR1)
        until(events, "running")
        last = list(itertools.islice((e for e in events if e["type"] == "emotion"), 4))[-1]
    assert last["end"] - first["end"] == pytest.approx(last["time"] - first["time"], abs=0.3)


def test_it_can_be_muted_before_it_was_ever_open(microphone: SoundServer) -> None:
    arguments = (*MIC, "--wait-clients", "2")
    with (
        running_daemon(*arguments, environment=microphone.environment) as daemon,
        connect(daemon.websocket_url) as one,
    ):
        one.recv()
        assert microphone_state(daemon) == ("off", False)
        one.send('{"type":"mute","muted":true}')
        one.send('{"type":"no such"}')
        assert json.loads(one.recv())["error"] == "unknown-type"  # both requests have arrived
        with connect(daemon.websocket_url):
            first = next(event for event in events_of(one) if event["type"] == "status")
            assert first["status"] == "muted"
            assert not is_recording(microphone)


def test_where_there_is_no_microphone_there_is_nothing_to_mute() -> None:
    arguments = ("--source", str(DEMO), "--model", "lite")
    with running_daemon(*arguments) as daemon, connect(daemon.websocket_url) as client:
        client.send('{"type":"mute","muted":true}')
        error = next(event for event in events_of(client) if event["type"] == "error")
        assert (error["error"], error["about"]) == ("no-microphone", "mute")
        assert microphone_state(daemon) == ("off", False)
        daemon.process.send_signal(signal.SIGUSR1)
        client.send('{"type":"mute"}')
        error = next(event for event in events_of(client) if event["type"] == "error")
        assert error["error"] == "bad-message"
