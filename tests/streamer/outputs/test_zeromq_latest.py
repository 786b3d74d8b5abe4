"""Subscribers that keep only the latest message: ZeroMQ's CONFLATE, at a running daemon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import zmq
from websockets.sync.client import connect

from emotiond.exceptions import ConfigError
from emotiond.streamer.settings.exposure import exposure_warnings, refuse_exposure
from emotiond.streamer.settings.layers import make_config
from tests.conftest import DATA
from tests.support.daemon import DEMO, Daemon, emotiond, running_daemon

MODEL = ("--model", str(DATA / "tiny.tflite"), "--history", "off")
STREAMS = ("kitchen", 'hall "1"')


class Running:
    """A daemon, and its second endpoint."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.latest = daemon.stderr.partition("ZeroMQ latest ")[2].partition(")")[0]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    sources = [part for name in STREAMS for part in ("--source", f"{name}={DEMO}")]
    with running_daemon(*sources, *MODEL, "--zmq-latest", "tcp://127.0.0.1:*") as daemon:
        yield Running(daemon)


class Subscriber:
    """A subscriber with or without CONFLATE."""

    def __init__(self, context: zmq.SyncContext, endpoint: str, topic: str, keeps: bool) -> None:
        self.socket = context.socket(zmq.SUB)
        self.socket.setsockopt(zmq.CONFLATE, keeps)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.subscribe(topic)
        self.socket.connect(endpoint)

    def frames(self, patience_ms: int = 10_000) -> list[bytes]:
        return self.socket.recv_multipart() if self.socket.poll(patience_ms) else []

    def event(self) -> Any:
        (frame,) = self.frames()
        return json.loads(frame)


@pytest.fixture
def context() -> Iterator[zmq.SyncContext]:
    with zmq.Context() as context:
        yield context
        context.destroy(linger=0)


def listen(daemon: Daemon, count: int) -> list[dict[str, Any]]:
    """Return so many events, as they come over the WebSocket."""
    with connect(daemon.websocket_url) as client:
        return [json.loads(client.recv(timeout=20)) for _ in range(count)]


def test_only_the_latest_event_waits_for_a_subscriber(
    running: Running, context: zmq.SyncContext
) -> None:
    subscriber = Subscriber(context, running.latest, "", keeps=True)
    first = subscriber.event()
    latest = [event for event in listen(running.daemon, 30) if event["type"] == "emotion"][-1]
    second = subscriber.event()
    assert first["type"] == second["type"] == "emotion"
    assert second["end"] >= latest["end"] - 0.5  # of either stream
    assert second["seq"] > first["seq"] + 3  # those between were let go


@pytest.mark.parametrize("stream", STREAMS)
def test_a_stream_is_a_topic(running: Running, context: zmq.SyncContext, stream: str) -> None:
    topic = '{"stream":' + json.dumps(stream)
    subscriber = Subscriber(context, running.latest, topic, keeps=True)
    assert {subscriber.event()["stream"] for _ in range(6)} == {stream}


def test_the_object_is_that_of_the_other_outputs(
    running: Running, context: zmq.SyncContext
) -> None:
    single = Subscriber(context, running.latest, "", keeps=False)
    double = Subscriber(context, running.daemon.zeromq_endpoint, "emotion", keeps=False)
    ones = [single.event() for _ in range(20)]
    assert all(next(iter(one)) == "stream" for one in ones)
    pairs = [double.frames() for _ in range(20)]
    assert all(topic == b"emotion" for topic, _ in pairs)
    others = [json.loads(content) for _, content in pairs]
    assert len([one for one in ones if one in others]) > 10


def test_two_frames_are_not_for_conflate(running: Running, context: zmq.SyncContext) -> None:
    """What the documentation says of the first endpoint."""
    everything = Subscriber(context, running.daemon.zeromq_endpoint, "", keeps=True)
    named = Subscriber(context, running.daemon.zeromq_endpoint, "emotion", keeps=True)
    (frame,) = everything.frames()
    assert frame.startswith(b"{")  # the second frame, without its topic
    listen(running.daemon, 20)
    assert named.frames(patience_ms=0) == []


def test_without_the_first_endpoint_the_second_one_works(context: zmq.SyncContext) -> None:
    ports = ("--port", "0", "--zmq", "off", "--zmq-latest", "tcp://127.0.0.1:*")
    with running_daemon("--source", f"voice={DEMO}", *MODEL, ports=ports) as daemon:
        endpoint = daemon.stderr.partition("ZeroMQ latest ")[2].partition(")")[0]
        assert Subscriber(context, endpoint, "", keeps=True).event()["stream"] == "voice"
        assert daemon.stop() == 0


def test_a_taken_endpoint_is_named_with_its_flag(running: Running) -> None:
    flags = ("--port", "0", "--zmq", "off", "--zmq-latest", running.latest)
    ended = emotiond("--source", f"voice={DEMO}", *MODEL, *flags)
    assert ended.returncode == 1
    assert "--zmq-latest off" in ended.stderr
    assert running.latest in ended.stderr


def test_beyond_this_machine_it_wants_keys_too() -> None:
    flags = {"zmq_latest": "tcp://0.0.0.0:9"}
    with pytest.raises(ConfigError, match=r"--zmq-latest tcp://127\.0\.0\.1"):
        refuse_exposure(make_config(flags, {}))
    open_to_all = make_config({**flags, "insecure": True, "zmq": "tcp://10.0.0.1:9"}, {})
    warnings = exposure_warnings(open_to_all)
    assert [warning.split()[4] for warning in warnings] == ["10.0.0.1", "0.0.0.0"]  # noqa: S104
    with pytest.raises(ConfigError, match="zmq_latest cannot be"):
        make_config({"zmq_latest": "nonsense"}, {})
