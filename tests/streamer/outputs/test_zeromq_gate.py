"""Who connects and leaves without end waits, and who is connected loses nothing."""

from __future__ import annotations

import select
import socket
import sys

import pytest
import zmq

from emotiond.streamer.hub import Message
from emotiond.streamer.outputs import zeromq_gate
from emotiond.streamer.outputs.zeromq_gate import Gate
from emotiond.streamer.outputs.zeromq_publisher import ZeroMQPublisher
from tests.support.port import EMOTION, run, until

LAST = Message(EMOTION, "{}")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs filters of sockets")


def begins(address: tuple[str, int]) -> socket.socket:
    """A connection that has begun, and may have come about."""
    made = socket.socket()
    made.setblocking(False)
    made.connect_ex(address)
    return made


def is_connected(connection: socket.socket, seconds: float) -> bool:
    return bool(select.select([], [connection], [], seconds)[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::]", "0.0.0.0"])  # noqa: S104
def test_beyond_so_many_at_once_connections_wait_until_their_time_has_come(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zeromq_gate, "CONNECTIONS_AT_ONCE", 2)
    monkeypatch.setattr(zeromq_gate, "CONNECTIONS_PER_SECOND", 0.0)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host.strip("[]"), 0), family=family) as listener:
        port = listener.getsockname()[1]
        gate = Gate(f"tcp://{host}:{port}")
        peer = "::1" if family == socket.AF_INET6 else "127.0.0.1"
        for is_last in (False, True):
            with socket.create_connection((peer, port)):
                gate.note_connection()
            gate.look()
            assert gate.is_shut is is_last
        with socket.socket(family) as late:
            late.setblocking(False)
            late.connect_ex((peer, port))
            assert not is_connected(late, 0.1)
            monkeypatch.setattr(zeromq_gate, "CONNECTIONS_PER_SECOND", 1e9)
            gate.look()
            assert not gate.is_shut
            assert is_connected(late, 20)  # the system tries it again
        gate.close()


def test_its_end_leaves_the_port_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        gate = Gate(f"tcp://127.0.0.1:{address[1]}")
        gate.close()
    socket.create_server(address).close()


def test_without_its_socket_it_says_of_none_that_it_waits() -> None:
    gate = Gate("tcp://127.0.0.1:1")
    for _ in range(zeromq_gate.CONNECTIONS_AT_ONCE + 1):
        gate.note_connection()
    assert not gate.is_shut
    gate.close()


def test_subscribers_that_connect_too_often_wait_and_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(zeromq_gate, "CONNECTIONS_AT_ONCE", 3)
    monkeypatch.setattr(zeromq_gate, "CONNECTIONS_PER_SECOND", 0.0)

    async def test() -> None:
        publisher = ZeroMQPublisher("tcp://127.0.0.1:*", lambda: [LAST], lossless=False)
        address = ("127.0.0.1", int(publisher.endpoint.rpartition(":")[2]))
        with zmq.Context() as context, context.socket(zmq.SUB) as early:
            early.subscribe("")
            early.connect(publisher.endpoint)
            await until(lambda: bool(early.poll(0)))
            early.recv_multipart()
            for _ in range(2):
                socket.create_connection(address).close()
            await until(lambda: bool(caplog.records))
            with begins(address) as late:
                assert not is_connected(late, 0.1)
                publisher.send(LAST)
                await until(lambda: bool(early.poll(0)))
        await publisher.close(0.2)

    run(test)
    (record,) = caplog.records
    assert "connect too often: new ones wait" in record.getMessage()
