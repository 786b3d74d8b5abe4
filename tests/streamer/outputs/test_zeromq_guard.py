"""One that sends too much, or is one too many, is disconnected, and the others are not."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator

import pytest
import zmq

from emotiond.streamer.hub import Message
from emotiond.streamer.outputs import zeromq_guard, zeromq_publisher
from emotiond.streamer.outputs.zeromq_publisher import ZeroMQPublisher
from tests.support.port import EMOTION, run, until

LAST = Message(EMOTION, "{}")


@pytest.fixture
def context() -> Iterator[zmq.SyncContext]:
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


def subscriber(context: zmq.SyncContext, endpoint: str) -> tuple[zmq.SyncSocket, zmq.SyncSocket]:
    """A subscriber, and what it is told when its connection ends."""
    made = context.socket(zmq.SUB)
    ends = made.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    made.connect(endpoint)
    made.subscribe("emotion")
    return made, ends


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system does not say it")
def test_the_one_that_sends_too_much_is_disconnected_and_no_other(
    context: zmq.SyncContext, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(zeromq_guard, "SENT_BYTES", 600)
    monkeypatch.setattr(zeromq_guard, "SENT_BYTES_PER_SECOND", 0)

    async def test() -> None:
        publisher = ZeroMQPublisher("tcp://127.0.0.1:*", lambda: [LAST], lossless=False)
        quiet, quiet_ends = subscriber(context, publisher.endpoint)
        busy, busy_ends = subscriber(context, publisher.endpoint)
        await until(lambda: bool(quiet.poll(0) and busy.poll(0)))
        for number in range(40):
            busy.subscribe(f"one of several topics, {number}")
        await until(lambda: bool(busy_ends.poll(0)))
        assert not quiet_ends.poll(0)
        await publisher.close(0.2)
        for each in (quiet, busy):
            each.disable_monitor()

    run(test)
    (record,) = caplog.records  # it connects again and again
    assert "sends too much" in record.getMessage()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system does not say it")
def test_many_connections_are_looked_at_in_turns(
    context: zmq.SyncContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zeromq_guard, "SENT_BYTES", 600)
    monkeypatch.setattr(zeromq_guard, "SENT_BYTES_PER_SECOND", 0)
    monkeypatch.setattr(zeromq_guard, "MOST_AT_A_LOOK", 2)

    async def test() -> None:
        publisher = ZeroMQPublisher("tcp://127.0.0.1:*", lambda: [LAST], lossless=False)
        with contextlib.ExitStack() as stack:
            for _ in range(7):  # none of them says anything
                address = ("127.0.0.1", int(publisher.endpoint.rpartition(":")[2]))
                stack.enter_context(socket.create_connection(address))
            busy, busy_ends = subscriber(context, publisher.endpoint)
            await until(lambda: bool(busy.poll(0)))
            for number in range(40):
                busy.subscribe(f"one of several topics, {number}")
            await until(lambda: bool(busy_ends.poll(0)))
        await publisher.close(0.2)
        busy.disable_monitor()

    run(test)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the daemon does not count them")
def test_one_connection_too_many_is_disconnected_and_the_others_miss_nothing(
    context: zmq.SyncContext, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(zeromq_publisher, "affordable_subscribers", lambda: 5)

    async def test() -> None:
        publisher = ZeroMQPublisher("tcp://127.0.0.1:*", lambda: [LAST], lossless=False)
        early, early_ends = subscriber(context, publisher.endpoint)
        await until(lambda: bool(early.poll(0)))
        address = ("127.0.0.1", int(publisher.endpoint.rpartition(":")[2]))
        with contextlib.ExitStack() as stack:
            for _ in range(4):  # none of them says anything
                stack.enter_context(socket.create_connection(address))
            await until(lambda: publisher.occupancy.count == 5)
            late, _ = subscriber(context, publisher.endpoint)
            await until(lambda: publisher.occupancy.refused > 1)  # it tries again
            while late.poll(0):  # it may be greeted just before it is hung up on
                late.recv_multipart()
            assert not early_ends.poll(0)
        await until(lambda: publisher.occupancy.count == 2)  # there is room again
        await until(lambda: bool(late.poll(0)))
        await publisher.close(0.2)
        assert publisher.occupancy.count == 0
        for each in (early, late):
            each.disable_monitor()

    run(test)
    (record,) = caplog.records
    assert "too many ZeroMQ connections" in record.getMessage()
