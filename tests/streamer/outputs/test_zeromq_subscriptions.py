"""Beyond a number of subscriptions the socket is given up, and bound anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from emotiond.streamer.hub import Message
from emotiond.streamer.outputs import zeromq_subscriptions
from emotiond.streamer.outputs.zeromq_publisher import ZeroMQPublisher
from emotiond.streamer.outputs.zeromq_subscriptions import Subscriptions
from tests.support.port import EMOTION, run, until

LAST = Message(EMOTION, "{}")


@pytest.fixture
def context() -> Iterator[zmq.SyncContext]:
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def socket(context: zmq.SyncContext) -> zmq.SyncSocket:
    socket = context.socket(zmq.XPUB)
    socket.setsockopt(zmq.XPUB_MANUAL, 1)
    socket.setsockopt(zmq.RCVTIMEO, 5000)
    return socket


def take(subscriptions: Subscriptions, socket: zmq.SyncSocket, count: int) -> list[bytes | None]:
    taken: list[bytes | None] = []
    while len(taken) < count:
        assert socket.poll(5000)
        taken.append(subscriptions.take(socket))
    return taken


def subscribe(context: zmq.SyncContext, endpoint: str, *topics: str) -> zmq.SyncSocket:
    client = context.socket(zmq.SUB)
    client.setsockopt(zmq.LINGER, 0)
    for topic in topics:
        client.subscribe(topic)
    client.connect(endpoint)
    return client


@pytest.fixture(params=["tcp", "ipc"])
def endpoint(request: pytest.FixtureRequest, tmp_path: Path, socket: zmq.SyncSocket) -> str:
    socket.bind("tcp://127.0.0.1:*" if request.param == "tcp" else f"ipc://{tmp_path}/socket")
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)


def test_what_ends_does_not_count(
    context: zmq.SyncContext,
    socket: zmq.SyncSocket,
    endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(zeromq_subscriptions, "MOST_SUBSCRIPTIONS", 4)
    subscriptions = Subscriptions()
    staying = subscribe(context, endpoint, "a", "b")
    assert set(take(subscriptions, socket, 2)) == {b"a", b"b"}
    for _ in range(3):
        leaving = subscribe(context, endpoint, "a", "c")
        take(subscriptions, socket, 2)
        assert not subscriptions.are_too_many
        leaving.unsubscribe("c")
        take(subscriptions, socket, 1)
        leaving.close()
        take(subscriptions, socket, 1)
    for topic in ("c", "d"):
        staying.subscribe(topic)
        take(subscriptions, socket, 1)
        assert not subscriptions.are_too_many
    staying.subscribe("e")
    take(subscriptions, socket, 1)
    assert subscriptions.are_too_many


def test_whoever_leaves_those_who_stay_count(
    context: zmq.SyncContext,
    socket: zmq.SyncSocket,
    endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(zeromq_subscriptions, "MOST_SUBSCRIPTIONS", 8)
    subscriptions = Subscriptions()
    staying = [subscribe(context, endpoint, "a") for _ in range(8)]
    take(subscriptions, socket, len(staying))
    for _ in range(3):
        assert not subscriptions.are_too_many
        leaving = subscribe(context, endpoint, "a")
        take(subscriptions, socket, 1)
        assert subscriptions.are_too_many
        leaving.close()
        take(subscriptions, socket, 1)


def test_the_end_of_what_another_has_does_not_count(
    context: zmq.SyncContext, socket: zmq.SyncSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zeromq_subscriptions, "MOST_SUBSCRIPTIONS", 1)
    socket.bind("tcp://127.0.0.1:*")
    endpoint, subscriptions = socket.getsockopt_string(zmq.LAST_ENDPOINT), Subscriptions()
    honest = subscribe(context, endpoint, "a")
    take(subscriptions, socket, 1)
    liar = context.socket(zmq.XSUB)
    liar.connect(endpoint)
    liar.send(b"\x01b")
    take(subscriptions, socket, 1)
    assert subscriptions.are_too_many
    liar.send(b"\x00a")
    liar.send(b"no subscription at all")
    liar.send(b"\x01c")
    socket.poll(1000)
    while socket.poll(200):
        subscriptions.take(socket)
    assert subscriptions.are_too_many
    assert honest is not None


def test_the_size_of_all_topics_is_limited(
    context: zmq.SyncContext, socket: zmq.SyncSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zeromq_subscriptions, "MOST_TOPIC_BYTES", 100)
    socket.bind("tcp://127.0.0.1:*")
    endpoint, subscriptions = socket.getsockopt_string(zmq.LAST_ENDPOINT), Subscriptions()
    clients = [subscribe(context, endpoint, "x" * 60) for _ in range(3)]
    take(subscriptions, socket, 3)
    assert not subscriptions.are_too_many  # libzmq keeps a topic once
    clients[0].subscribe("y" * 60)
    take(subscriptions, socket, 1)
    assert subscriptions.are_too_many


def test_the_socket_is_bound_anew_with_one_line_and_subscribers_come_again(
    context: zmq.SyncContext, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(zeromq_subscriptions, "MOST_SUBSCRIPTIONS", 20)

    async def test() -> None:
        publisher = ZeroMQPublisher("tcp://127.0.0.1:*", lambda: [LAST], lossless=False)
        endpoint = publisher.endpoint
        client = subscribe(context, endpoint, "emotion")
        await until(lambda: bool(client.poll(0)))
        client.recv_multipart()
        for _ in range(3):
            many = subscribe(context, endpoint, *(f"topic {number}" for number in range(20)))
            await until(lambda: bool(client.poll(0)))  # it has connected again, and is greeted
            many.close()
            while client.poll(50):
                client.recv_multipart()
        assert publisher.endpoint == endpoint
        assert publisher.failure is None
        publisher.send(LAST)
        await until(lambda: bool(client.poll(0)))
        await publisher.close(0.2)

    run(test)
    (record,) = caplog.records
    assert "too many subscriptions" in record.getMessage()
    assert "bound anew" in record.getMessage()
