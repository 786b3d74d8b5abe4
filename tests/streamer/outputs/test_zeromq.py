"""ZeroMQ: topics, last events for newcomers, bad endpoints, against a running daemon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import zmq

from tests.support.daemon import DEMO, Daemon, emotiond, running_daemon


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    sources = ("--source", f"one={DEMO}", "--source", f"two={DEMO}")
    with running_daemon(*sources, "--model", "lite") as daemon:
        yield daemon


@pytest.fixture
def subscriber(daemon: Daemon) -> Iterator[zmq.SyncSocket]:
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.setsockopt(zmq.RCVTIMEO, 10_000)
        socket.connect(daemon.zeromq_endpoint)
        yield socket


def receive(socket: zmq.SyncSocket) -> tuple[str, dict[str, Any]]:
    topic, payload = socket.recv_multipart()
    return topic.decode(), json.loads(payload)


def test_the_topic_is_the_type_and_the_payload_the_same_object(subscriber: zmq.SyncSocket) -> None:
    subscriber.subscribe("")
    for _ in range(8):
        topic, message = receive(subscriber)
        assert topic == message["type"]
        assert message["stream"] in ("one", "two")


def test_a_subscriber_gets_the_last_emotion_of_every_stream_at_once(
    subscriber: zmq.SyncSocket, daemon: Daemon
) -> None:
    with zmq.Context() as context, context.socket(zmq.SUB) as earlier:
        earlier.setsockopt(zmq.RCVTIMEO, 10_000)
        earlier.connect(daemon.zeromq_endpoint)
        earlier.subscribe("emotion")
        received = {receive(earlier)[1]["stream"] for _ in range(8)}
    assert received == {"one", "two"}  # both have begun
    subscriber.subscribe("emotion")
    assert {receive(subscriber)[1]["stream"] for _ in range(2)} == {"one", "two"}


def test_a_topic_chooses_one_kind_of_event(subscriber: zmq.SyncSocket) -> None:
    subscriber.subscribe("emotion")
    topics = {receive(subscriber)[0] for _ in range(12)}
    assert topics == {"emotion"}


def test_each_streams_numbers_have_no_hole(subscriber: zmq.SyncSocket) -> None:
    subscriber.subscribe("emotion")  # not the last status, which is older
    subscriber.subscribe("change")
    numbers: dict[str, list[int]] = {"one": [], "two": []}
    for _ in range(24):
        _, message = receive(subscriber)
        if message["seq"] not in numbers[message["stream"]]:  # the last ones may come twice
            numbers[message["stream"]].append(message["seq"])
    for seen in numbers.values():
        assert seen == list(range(seen[0], seen[0] + len(seen)))


@pytest.mark.parametrize(
    "endpoint", ["tcp://127.0.0.1:99999", "nonsense", "tcp://", "udp://127.0.0.1:5"]
)
def test_an_endpoint_that_cannot_be_opened_is_named_with_the_remedy(endpoint: str) -> None:
    ended = emotiond("--source", "demo", "--model", "lite", "--port", "0", "--zmq", endpoint)
    assert ended.returncode == 1
    assert endpoint in ended.stderr
    assert "--zmq" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_in_use_is_named_with_the_remedy(daemon: Daemon) -> None:
    taken = daemon.zeromq_endpoint
    ended = emotiond("--source", "demo", "--model", "lite", "--port", "0", "--zmq", taken)
    assert ended.returncode == 1
    assert taken in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_a_flood_of_subscriptions_and_long_topics_delay_no_subscriber(
    daemon: Daemon, subscriber: zmq.SyncSocket
) -> None:
    subscriber.subscribe("emotion")
    with zmq.Context() as context, context.socket(zmq.SUB) as flooding:
        flooding.setsockopt(zmq.LINGER, 0)
        flooding.connect(daemon.zeromq_endpoint)
        for number in range(5_000):
            flooding.subscribe(f"emotion{number}")
        flooding.subscribe("x" * 2_000)
        numbers = {receive(subscriber)[1]["seq"] for _ in range(24)}
    assert len(numbers) >= 8
    assert daemon.process.poll() is None
