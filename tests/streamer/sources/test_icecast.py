"""A real Icecast: its stream is played, it is killed and started again, its rate changes."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from tests.conftest import DATA
from tests.support.daemon import running_daemon
from tests.support.free_port import free_port
from tests.support.icecast import icecast, needs_icecast, source
from tests.support.streams import encoded, vorbis

pytestmark = [pytest.mark.peers, needs_icecast]
MODEL = ("--model", str(DATA / "tiny.tflite"))


def test_a_stream_is_played_and_after_a_kill_again(tmp_path: Path) -> None:
    port = free_port()
    sound = ("/live.mp3", "audio/mpeg", (encoded("mp3", "libmp3lame", 44_100, seconds=20.0), 20.0))
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(icecast(tmp_path, port))
        stack.enter_context(source(port, *sound))
        url = f"http://127.0.0.1:{port}/live.mp3"
        with running_daemon("--source", f"room={url}", *MODEL, "--json") as daemon:
            events = daemon.events()
            statuses = (event for event in events if event["type"] == "status")
            assert next(statuses)["status"] == "running"
            heard = next(event for event in events if event["type"] == "emotion")
            assert heard["stream"] == "room"
            server.kill()
            lost = next(statuses)
            assert lost["status"] == "reconnecting"
            assert "the server has ended the stream" in lost["detail"]
            stack.close()
            with icecast(tmp_path, port), source(port, *sound):
                assert next(statuses)["status"] == "running"
                again = next(event for event in events if event["type"] == "emotion")
                assert again["end"] > heard["end"]


def test_songs_of_several_rates_are_one_stream(tmp_path: Path) -> None:
    port = free_port()
    songs = [(vorbis(44_100, 2, seconds=1.5), 1.5), (vorbis(22_050, seconds=1.5), 1.5)]
    with (
        icecast(tmp_path, port),
        source(port, "/live.ogg", "application/ogg", *songs),
        running_daemon(
            "--source", f"room=http://127.0.0.1:{port}/live.ogg", *MODEL, "--json"
        ) as daemon,
    ):
        end = 0.0
        while end < 6.0:  # several seams
            event = next(daemon.events())
            if event["type"] == "status":
                assert event["status"] == "running", event["detail"]
            elif event["type"] == "emotion":
                end = event["end"]
                assert event["dropped_samples"] == 0


def test_a_mount_without_a_source_is_waited_for(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/live.mp3"
    with (
        icecast(tmp_path, port),
        running_daemon("--source", f"room={url}", *MODEL, "--json") as daemon,
    ):
        statuses = (event for event in daemon.events() if event["type"] == "status")
        assert "it has no such stream at present" in next(statuses)["detail"]
        sound = (encoded("mp3", "libmp3lame", 44_100, seconds=20.0), 20.0)
        with source(port, "/live.mp3", "audio/mpeg", sound):
            assert next(statuses)["status"] == "running"
