"""The whole daemon: what it sends, when it ends, and that the same sound gives the same events."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import zmq
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from emotiond.inference.card import LABELS
from emotiond.streamer.daemon.app import stop_together
from tests.support.daemon import COMMAND, DEMO, emotiond, running_daemon

FAST = ("--speed", "max", "--once", "--json", "--model", "lite", "--port", "0", "--zmq", "off")


def lines(output: str) -> list[dict[str, Any]]:
    """The events of a run, without the values of the clock, and what only ``analyze`` adds."""
    events = [json.loads(line) for line in output.splitlines()]
    apart = ("time", "age_ms", "speech_seconds")
    return [{k: v for k, v in event.items() if k not in apart} for event in events]


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    ended = emotiond("run", "--source", str(DEMO), *FAST)
    assert ended.returncode == 0, ended.stderr
    return lines(ended.stdout)


@pytest.fixture
def busy_machine() -> Iterator[None]:
    """Twice as many processes that never pause as there are processors."""
    spinning = multiprocessing.get_context("spawn")
    processes = [
        spinning.Process(target=_spin, daemon=True) for _ in range(2 * (os.cpu_count() or 1))
    ]
    for process in processes:
        process.start()
    yield
    for process in processes:
        process.kill()
        process.join()


def _spin() -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        pass


def test_the_same_file_gives_the_same_events_on_a_busy_machine(
    events: list[dict[str, Any]], busy_machine: None
) -> None:
    assert lines(emotiond("run", "--source", str(DEMO), *FAST).stdout) == events


def test_there_is_one_emotion_event_at_every_stride_and_one_at_the_end(
    events: list[dict[str, Any]],
) -> None:
    samples = soundfile.info(str(DEMO)).frames
    emotions = [event for event in events if event["type"] == "emotion"]
    assert len(emotions) == -(-samples // 4000)
    assert [event["seq"] for event in events] == list(range(len(events)))


def test_the_demo_recording_gets_labels_and_its_pauses_get_none(
    events: list[dict[str, Any]],
) -> None:
    emotions = [event for event in events if event["type"] == "emotion"]
    assert {event["state"] for event in emotions} >= {"warmup", "silence", "speech"}
    for event in emotions:
        has_label = event["label"] in LABELS
        assert has_label == (event["state"] == "speech")
        assert (event["scores"] is None) == (event["state"] in ("warmup", "silence"))


def test_a_stream_begins_with_running_and_ends_with_ended(events: list[dict[str, Any]]) -> None:
    assert (events[0]["type"], events[0]["status"]) == ("status", "running")
    assert (events[-1]["type"], events[-1]["status"]) == ("status", "ended")


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
@pytest.mark.parametrize("channels", [1, 6])
def test_any_rate_and_channels_give_the_same_events_twice(
    tmp_path: Path, rate: int, channels: int
) -> None:
    rng = np.random.default_rng(1)
    tone = np.sin(np.arange(3 * rate)[:, None] * 2 * np.pi * 220 / rate) * 0.3
    sound = tone * (rng.random(channels) + 0.5) + rng.normal(0, 0.01, (3 * rate, channels))
    path = tmp_path / "sound.wav"
    soundfile.write(path, np.clip(sound, -1, 1), rate)
    first, second = (emotiond("run", "--source", str(path), *FAST) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert lines(first.stdout) == lines(second.stdout)
    assert sum(event["type"] == "emotion" for event in lines(first.stdout)) == 12


def test_analyze_has_the_same_events(events: list[dict[str, Any]]) -> None:
    analysis = json.loads(
        emotiond("analyze", str(DEMO), "--model", "lite", "--format", "json").stdout
    )
    published = [event for event in events if event["type"] != "status"]
    assert lines("\n".join(map(json.dumps, analysis["events"]))) == published


def test_waiting_clients_miss_nothing() -> None:
    arguments = ("--source", str(DEMO), *FAST[:-4], "--wait-clients", "2")
    received: list[list[dict[str, Any]]] = [[], []]

    def listen(url: str, into: list[dict[str, Any]]) -> None:
        with connect(url) as client:
            try:
                for text in client:
                    into.append(json.loads(text))
            except ConnectionClosed:
                pass

    with running_daemon(*arguments) as daemon:
        threads = [
            threading.Thread(target=listen, args=(daemon.websocket_url, into)) for into in received
        ]
        for thread in threads:
            thread.start()
        printed = list(daemon.events())
        assert daemon.process.wait(timeout=60) == 0
        for thread in threads:
            thread.join(timeout=60)
    for messages in received:
        assert messages[0]["type"] == "hello"
        assert messages[1:] == printed


def test_a_late_reader_gets_the_last_line_too() -> None:
    arguments = ("--source", str(DEMO), *FAST[:-4], "--stride", "0.05", "--wait-clients", "1")
    with running_daemon(*arguments) as daemon, connect(daemon.websocket_url) as client:
        with contextlib.suppress(ConnectionClosed):
            while json.loads(client.recv(timeout=30)).get("status") != "ended":
                pass
        with pytest.raises(subprocess.TimeoutExpired):  # it waits for the reader of its lines
            daemon.process.wait(timeout=1.5)
        published = list(daemon.events())
        assert daemon.process.wait(timeout=60) == 0
    assert [event["seq"] for event in published] == list(range(len(published)))
    assert published[-1]["status"] == "ended"


def test_in_real_time_an_event_has_its_age() -> None:
    with running_daemon("--source", str(DEMO), "--model", "lite", "--json") as daemon:
        emotions = (event for event in daemon.events() if event["type"] == "emotion")
        for event in (next(emotions) for _ in range(8)):
            assert 0 < event["age_ms"] < 5_000
            assert abs(event["time"] - time.time()) < 10


def test_the_seam_of_a_looping_file_restarts_the_windows(tmp_path: Path) -> None:
    samples, rate = soundfile.read(DEMO, stop=16_000 * 2)
    path = tmp_path / "short.wav"
    soundfile.write(path, samples, rate)
    with running_daemon("--source", str(path), "--model", "lite", "--json") as daemon:
        emotions = (event for event in daemon.events() if event["type"] == "emotion")
        after_seam = next(event for event in emotions if event["end"] > 2)
    assert after_seam["state"] == "warmup"
    assert after_seam["start"] == 2.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("speed", ["1", "max"])
def test_a_signal_ends_it_within_a_second_and_says_good_bye(
    number: signal.Signals, speed: str
) -> None:
    with (
        running_daemon(
            *("--source", str(DEMO), "--speed", speed, "--model", "lite", "--json"),
            *("--source", "silent=-"),
            stdin=subprocess.PIPE,  # a pipe that stays open: the read must not hold it up
        ) as daemon,
        connect(daemon.websocket_url) as client,
    ):
        threading.Thread(target=lambda: list(daemon.events()), daemon=True).start()
        client.recv(timeout=60)
        began = time.monotonic()
        assert daemon.stop(number) == 0
        assert time.monotonic() - began < 60  # a second, on an idle machine
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                client.recv(timeout=60)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001
    assert "Traceback" not in daemon.stderr


def test_a_signal_ends_more_streams_than_the_loop_has_threads() -> None:
    sources = (part for i in range(20) for part in ("--source", f"s{i}={DEMO}"))
    with running_daemon(*sources, "--model", "lite") as daemon, connect(daemon.websocket_url) as c:
        c.recv(timeout=60)
        assert daemon.stop() == 0


def test_no_stream_waits_for_another_one_to_stop() -> None:
    """Each of these stops when all are about to."""
    asyncio.run(stop_together([threading.Barrier(40, timeout=60).wait] * 40))


def test_a_client_that_never_reads_does_not_hold_up_the_end() -> None:
    with running_daemon("--source", str(DEMO), "--speed", "max", "--model", "lite") as daemon:
        client = connect(daemon.websocket_url, max_queue=1)
        try:
            daemon_ended = daemon.stop()
        finally:
            client.close_socket()
    assert daemon_ended == 0


def test_a_port_in_use_is_named_with_the_remedy() -> None:
    with running_daemon("--source", str(DEMO), "--model", "lite") as daemon:
        ended = emotiond("--source", "demo", "--port", str(daemon.port), "--model", "lite")
    assert ended.returncode == 1
    assert str(daemon.port) in ended.stderr
    assert "--port" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_a_file_that_breaks_off_with_rubbish_ends_the_run_with_its_reason(tmp_path: Path) -> None:
    samples = np.zeros(32_000, np.float32)
    samples[20_000] = np.nan
    path = tmp_path / "broken.wav"
    soundfile.write(path, samples, 16_000, subtype="FLOAT")
    ended = emotiond("run", "--source", str(path), *FAST)
    assert ended.returncode == 1
    assert "not finite" in ended.stderr
    assert lines(ended.stdout)[-1]["status"] == "ended"
    assert "not finite" in lines(ended.stdout)[-1]["detail"]


def test_a_reader_that_goes_away_ends_nothing_badly() -> None:
    with subprocess.Popen(
        [*COMMAND, "run", "--source", str(DEMO), *FAST],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=30) == 0
        assert "Traceback" not in process.stderr.read()


def test_several_sources_play_at_once_each_under_its_name() -> None:
    sources = ("--source", f"a={DEMO}", "--source", f"b={DEMO}")
    ended = emotiond("run", *sources, *FAST)
    by_stream = {
        name: [{**e, "stream": ""} for e in lines(ended.stdout) if e["stream"] == name]
        for name in ("a", "b")
    }
    assert by_stream["a"] == by_stream["b"] != []


def test_zeromq_subscribers_of_a_fast_run_are_waited_for() -> None:
    arguments = ("--source", str(DEMO), *FAST[:-4], "--wait-clients", "1")
    with (
        running_daemon(*arguments) as daemon,
        zmq.Context() as context,
        context.socket(zmq.SUB) as socket,
    ):
        socket.setsockopt(zmq.RCVTIMEO, 10_000)
        socket.setsockopt(zmq.RCVHWM, 5)
        socket.connect(daemon.zeromq_endpoint)
        monitor = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        socket.subscribe("")
        monitor.poll(10_000)
        with connect(daemon.websocket_url):
            threading.Thread(target=lambda: list(daemon.events()), daemon=True).start()
            numbers = []
            while True:
                message = json.loads(socket.recv_multipart()[1])
                numbers.append(message["seq"])
                if message.get("status") == "ended":
                    break
        socket.disable_monitor()
    assert numbers == list(range(len(numbers)))


def test_listening_beyond_loopback_needs_consent() -> None:
    ended = emotiond("--source", "demo", "--model", "lite", "--host", "0.0.0.0")  # noqa: S104
    assert ended.returncode == 1
    assert "--host" in ended.stderr


def test_the_module_is_the_command() -> None:
    by_module = subprocess.run(
        [sys.executable, "-m", "emotiond", "--version"], capture_output=True, text=True, check=True
    )
    assert by_module.stdout.startswith("emotiond ")
