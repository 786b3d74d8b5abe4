"""ZeroMQ subscribers that do not read miss what their queues cannot hold; others miss nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from emotiond.streamer.hub import Message
from emotiond.streamer.outputs.zeromq_publisher import ZeroMQPublisher
from tests.conftest import DATA
from tests.support.daemon import DEMO, running_daemon
from tests.support.port import EMOTION, run, until

FILLER = "x" * 4000
TINY = ("--model", str(DATA / "tiny.tflite"))


@pytest.fixture
def context() -> Iterator[zmq.SyncContext]:
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


def subscribe(context: zmq.SyncContext, endpoint: str) -> zmq.SyncSocket:
    """A subscriber with as little room as there can be."""
    socket = context.socket(zmq.SUB)
    socket.setsockopt(zmq.RCVHWM, 1)
    socket.setsockopt(zmq.RCVBUF, 4096)
    socket.connect(endpoint)
    socket.subscribe("")
    return socket


def message(number: int) -> Message:
    return Message(EMOTION, json.dumps({"seq": number, "filler": FILLER}))


def numbers(socket: zmq.SyncSocket) -> list[int]:
    """Return the numbers of the events that have arrived."""
    received = []
    while socket.poll(0):
        received.append(json.loads(socket.recv_multipart()[1])["seq"])
    return received


async def greeted(publisher: ZeroMQPublisher, sockets: list[zmq.SyncSocket]) -> None:
    """Wait until each subscription has arrived: the publisher answers it with the last event."""
    for socket in sockets:
        await until(lambda socket=socket: socket.poll(0) > 0)  # type: ignore[misc]
        numbers(socket)


def test_a_slow_one_is_noticed_and_the_others_miss_nothing(context: zmq.SyncContext) -> None:
    async def test() -> None:
        publisher = ZeroMQPublisher("tcp://127.0.0.1:*", lambda: [message(-1)], lossless=False)
        slow, quick = (subscribe(context, publisher.endpoint) for _ in range(2))
        await greeted(publisher, [slow, quick])
        numbers(slow)
        received: list[int] = []
        total, most = 0, 100_000
        while total < most:
            publisher.send(message(total))
            total += 1
            while len(received) < total:
                received += [number for number in numbers(quick) if number >= 0]
                await asyncio.sleep(0)
            if publisher.dropped and most == 100_000:
                most = total + 1000
        assert received == list(range(total))
        late = subscribe(context, publisher.endpoint)
        await greeted(publisher, [late])  # a newcomer is greeted all the same
        queued = [number for number in numbers(slow) if number >= 0]
        while (number := json.loads(slow.recv_multipart()[1])["seq"]) >= 0:
            queued.append(number)
            publisher.send(message(-2))  # when there is room again, it receives again
        assert queued == list(range(len(queued)))
        assert len(queued) <= total - 1000  # the newest were dropped, and not kept anywhere
        await publisher.close(0.2)

    run(test)


def test_a_lossless_run_waits_a_limited_time_for_a_slow_subscriber(
    context: zmq.SyncContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emotiond.streamer.outputs.zeromq_publisher._PATIENCE_SECONDS", 0.2)

    async def test() -> None:
        publisher = ZeroMQPublisher("tcp://127.0.0.1:*", lambda: [message(-1)], lossless=True)
        slow = subscribe(context, publisher.endpoint)
        await greeted(publisher, [slow])
        total = 0
        while publisher.dropped == 0:
            publisher.send(message(total))
            await publisher.drained()
            total += 1
        assert total >= 1000  # what there is room for
        await publisher.close(0.2)

    run(test)


class NeverEnding(zmq.Context[zmq.SyncSocket]):
    """A context whose end never comes, whatever the reason."""

    def term(self) -> None:
        threading.Event().wait()


def test_closing_does_not_rely_on_zeromq_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zmq, "Context", NeverEnding)

    async def test() -> None:
        publisher = ZeroMQPublisher("tcp://127.0.0.1:*", lambda: [], lossless=False)
        began = time.monotonic()
        await publisher.close(0.2)
        assert time.monotonic() - began < 60  # at once, on an idle machine

    run(test)


SUBSCRIBER = """
import sys, zmq
socket = zmq.Context().socket(zmq.SUB)
socket.setsockopt(zmq.RCVHWM, 1)
socket.setsockopt(zmq.RCVBUF, 4096)
socket.connect(sys.argv[1])
socket.subscribe("")
socket.recv_multipart()
print("there", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("fate", [signal.SIGSTOP, signal.SIGKILL])
def test_a_stopped_or_killed_subscriber_does_not_affect_the_daemon(
    fate: signal.Signals, tmp_path: Path
) -> None:
    script = tmp_path / "subscriber.py"
    script.write_text(SUBSCRIBER)
    with running_daemon("--source", str(DEMO), *TINY, "--json") as daemon:
        with subprocess.Popen(
            [sys.executable, str(script), daemon.zeromq_endpoint],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"there\n"
            process.send_signal(fate)
            seen = [event["seq"] for event, _ in zip(daemon.events(), range(12), strict=False)]
            process.kill()
        assert seen == list(range(12))
        with urllib.request.urlopen(f"{daemon.page_url}metrics", timeout=60) as response:  # noqa: S310
            assert b'emotiond_dropped_total{queue="zeromq_overruns"} 0\n' in response.read()
        assert daemon.stop() == 0
