"""Links that break silently: the daemon drops the lost clients, and the others miss nothing."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sized
from dataclasses import replace

import pytest
import zmq
from websockets.asyncio.client import connect

from emotiond.streamer.hub import Message
from emotiond.streamer.outputs import zeromq_socket
from emotiond.streamer.outputs.zeromq_publisher import ZeroMQPublisher
from tests.support.links import HERE, THERE, Link, link, needs_links
from tests.support.port import EMOTION, EVENT, HANDSHAKE, LIMITS, port, run, until

pytestmark = needs_links
HELLO = HANDSHAKE.replace(b"127.0.0.1", HERE.encode())


@pytest.fixture
def cable() -> Iterator[Link]:
    with link() as cable:
        yield cable


def run_here(cable: Link, test: Callable[[], Awaitable[None]]) -> None:
    cable.on(HERE, lambda: run(test))


async def greeted(cable: Link, number: int) -> socket.socket:
    """A WebSocket client on the other host."""
    loop = asyncio.get_running_loop()
    client = await asyncio.to_thread(cable.connect, number)
    client.setblocking(False)
    await loop.sock_sendall(client, HELLO)
    answer = b""
    while b"hello" not in answer:
        answer += await loop.sock_recv(client, 4096)
    return client


@pytest.mark.parametrize(
    ("sent_meanwhile", "offence"), [(0, "ping"), (200, "unread")], ids=["idle", "busy"]
)
def test_a_vanished_websocket_client_is_dropped_and_the_others_go_on(
    cable: Link, sent_meanwhile: int, offence: str
) -> None:
    soon = {"ping": replace(LIMITS, ping_seconds=0.5), "unread": replace(LIMITS, unread_seconds=1)}

    async def test() -> None:
        async with port(soon[offence], host=HERE) as at, connect(at.url) as near:
            await near.recv()
            far = await greeted(cable, at.number)
            await until(lambda: at.server.client_count == 2)
            cable.cut()
            for _ in range(sent_meanwhile):
                at.server.send(EVENT)
                assert await near.recv() == EVENT.text
            await until(lambda: at.server.occupancy.count == 1)
            assert at.server.offences[offence] == 1
            at.server.send(EVENT)
            assert await near.recv() == EVENT.text
            far.close()

    run_here(cable, test)


def test_a_websocket_client_behind_a_link_that_comes_back_in_time_has_missed_nothing(
    cable: Link,
) -> None:
    async def test() -> None:
        async with port(host=HERE) as at:
            far = await greeted(cable, at.number)
            await until(lambda: at.server.client_count == 1)
            cable.cut()
            for _ in range(10):
                at.server.send(EVENT)
            cable.reconnect()
            received = b""
            while received.count(b'"filler"') < 10:
                received += await asyncio.get_running_loop().sock_recv(far, 65_536)
            far.close()

    run_here(cable, test)


class Subscriber:
    """A subscriber on the other host. It keeps the numbers of its events."""

    def __init__(self, cable: Link, endpoint: str) -> None:
        self.received: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=cable.on, args=(THERE, self._listen))
        self._endpoint = endpoint

    def __enter__(self) -> Subscriber:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _listen(self) -> None:
        with zmq.Context() as context, context.socket(zmq.SUB) as socket:
            socket.setsockopt(zmq.LINGER, 0)
            socket.subscribe("emotion")
            socket.connect(self._endpoint)
            while not self._stop.is_set():
                if socket.poll(50):
                    self.received.append(json.loads(socket.recv_multipart()[1])["seq"])


def numbered(seq: int) -> Message:
    return Message(EMOTION, json.dumps({"type": "emotion", "seq": seq}))


@pytest.mark.parametrize("heartbeat_ms", [20_000, 200], ids=["soon", "late"])
def test_a_zeromq_subscriber_gets_events_again_when_its_link_is_restored(
    cable: Link, heartbeat_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zeromq_socket, "_HEARTBEAT_MS", heartbeat_ms)
    last = [numbered(0)]

    async def test() -> None:
        publisher = ZeroMQPublisher(f"tcp://{HERE}:*", lambda: last, lossless=False)
        seq = 0

        def publish() -> None:
            nonlocal seq
            seq += 1
            last[:] = [numbered(seq)]
            publisher.send(last[0])

        with Subscriber(cable, publisher.endpoint) as far:
            await until(lambda: bool(far.received))
            publish()
            await until(lambda: seq in far.received)
            cable.cut()
            for _ in range(5):
                publish()
            if heartbeat_ms < 1000:
                await until(lambda: not connections(publisher))  # the publisher has given it up
            before = len(far.received)
            cable.reconnect()
            await until(lambda: len(far.received) > before)
            publish()
            await until(lambda: seq in far.received)
            if heartbeat_ms >= 1000:
                assert far.received[-7:] == list(range(1, 8))  # what it had missed came later
        await publisher.close(0.2)

    run_here(cable, test)


def connections(publisher: ZeroMQPublisher) -> Sized:
    """The connections that libzmq has."""
    assert publisher._bound is not None
    return publisher._bound._guard._connections


def test_a_zeromq_subscriber_gives_up_a_half_open_connection(
    cable: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zeromq_socket, "_HEARTBEAT_MS", 200)
    monkeypatch.setattr(zeromq_socket, "_VANISHED_MS", 600)

    async def test() -> None:
        publisher = ZeroMQPublisher(f"tcp://{HERE}:*", lambda: [numbered(0)], lossless=False)
        given_up = threading.Event()

        def listen() -> None:
            with zmq.Context() as context, context.socket(zmq.SUB) as socket:
                socket.setsockopt(zmq.LINGER, 0)
                monitor = socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
                socket.subscribe("")
                socket.connect(publisher.endpoint)
                assert socket.poll(10_000)
                time.sleep(0.5)  # a heartbeat comes, which no subscriber can see
                cable.cut()
                if monitor.poll(10_000):
                    given_up.set()
                socket.disable_monitor()
                monitor.close(0)

        await asyncio.to_thread(cable.on, THERE, listen)
        assert given_up.is_set()
        await publisher.close(0.2)

    run_here(cable, test)
