"""Clients of a daemon under test: some stay and check ``seq``, others come and go."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

import zmq
from websockets.asyncio.client import connect

from tests.support.daemon import Daemon
from tests.support.signals import RATE, demo

_EVENTS = 5  # received by a client before it leaves
_KNOCKS = 120  # connections; more than an endpoint has
_UPLOAD = (32_767 * demo()[: 2 * RATE]).astype("<i2").tobytes()


class SequenceCheck:
    """Counts the events of public streams, and the missing ``seq`` among them.

    Args:
        streams: the names of those that count; none for all.
    """

    def __init__(self, *streams: str) -> None:
        self._streams = streams
        self.events = self.missing = 0
        self.audio_seconds = 0.0
        """Position of the stream that is furthest."""
        self.statuses: Counter[str] = Counter()
        self._last: dict[str, int] = {}

    def receive(self, event: Mapping[str, Any]) -> None:
        """Take a message. Greetings of other subscribers may repeat the last events."""
        if "seq" not in event or (self._streams and event["stream"] not in self._streams):
            return
        last = self._last.get(event["stream"], event["seq"] - 1)
        if event["seq"] <= last:
            return
        self.events += 1
        self.missing += event["seq"] - last - 1
        self._last[event["stream"]] = event["seq"]
        self.audio_seconds = max(self.audio_seconds, event.get("end", 0.0))
        if event["type"] == "status":
            self.statuses[event["status"]] += 1


async def listen(url: str, check: SequenceCheck) -> None:
    """Receive every WebSocket message until cancelled."""
    async with connect(url, compression=None) as client:
        async for text in client:
            check.receive(json.loads(text))


def subscribe(endpoint: str, check: SequenceCheck, stop: threading.Event) -> None:
    """Receive every ZeroMQ message until stopped; runs in a thread of its own."""
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.connect(endpoint)
        socket.subscribe("")
        while not stop.is_set():
            if socket.poll(100):
                check.receive(json.loads(socket.recv_multipart()[1]))


async def _polite(daemon: Daemon) -> None:
    async with connect(daemon.websocket_url) as client:
        for _ in range(_EVENTS):
            await client.recv()


async def _abrupt(daemon: Daemon) -> None:
    client = await connect(daemon.websocket_url)
    await client.recv()
    client.transport.abort()


async def _half_open(daemon: Daemon) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
    writer.write(b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\n")
    await writer.drain()
    writer.close()


async def _scraper(daemon: Daemon) -> None:
    for path in ("/", "/healthz", "/metrics"):
        reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()


async def _subscriber(daemon: Daemon) -> None:
    def receive() -> None:
        with zmq.Context() as context, context.socket(zmq.SUB) as socket:
            socket.connect(daemon.zeromq_endpoint)
            socket.subscribe("emotion")
            for _ in range(_EVENTS):
                if socket.poll(10_000):
                    socket.recv_multipart()

    await asyncio.to_thread(receive)


async def _knocker(daemon: Daemon) -> None:
    """Opens more ZeroMQ connections than there may be, says nothing, and goes."""
    address = ("127.0.0.1", int(daemon.zeromq_endpoint.rpartition(":")[2]))

    def knock() -> None:
        with contextlib.ExitStack() as stack:
            for _ in range(_KNOCKS):
                stack.enter_context(socket.create_connection(address))

    await asyncio.to_thread(knock)


async def _canceller(daemon: Daemon) -> None:
    """Starts and cancels published streams, one after the other, and erases one of them."""
    start = {"type": "start", "purpose": "live", "sample_rate": RATE, "format": "s16le"}
    async with connect(daemon.websocket_url, compression=None) as client:
        for _ in range(_EVENTS):
            await client.send(json.dumps({**start, "publish": True, "name": "attic"}))
            await client.send('{"type":"erase","stream":"attic"}')
            await client.send('{"type":"cancel"}')
        await client.send('{"type":"ping"}')
        while json.loads(await client.recv())["type"] != "pong":
            pass


async def _rememberer(daemon: Daemon) -> None:
    """Analyses a file and recalls it, while another client forgets it."""
    start = {"type": "start", "purpose": "file", "sample_rate": RATE, "format": "s16le"}
    async with (
        connect(daemon.websocket_url, compression=None) as client,
        connect(daemon.websocket_url, compression=None) as other,
    ):
        await client.send(json.dumps(start))
        await client.send(_UPLOAD[:32_768])
        await client.send('{"type":"end"}')
        while (message := json.loads(await client.recv()))["type"] != "analysis":
            pass
        for _ in range(_EVENTS):
            await client.send(json.dumps({"type": "recall", "id": message["id"]}))
        await other.send(json.dumps({"type": "forget", "ids": [message["id"]]}))
        await client.send('{"type":"ping"}')
        while json.loads(await client.recv())["type"] != "pong":
            pass


async def _uploader(daemon: Daemon) -> None:
    """Uploads a file of two seconds and waits for its analysis."""
    start = {"type": "start", "purpose": "file", "sample_rate": RATE, "format": "s16le"}
    async with connect(daemon.websocket_url, compression=None) as client:
        await client.send(json.dumps(start))
        for first in range(0, len(_UPLOAD), 32_768):
            await client.send(_UPLOAD[first : first + 32_768])
        await client.send('{"type":"end"}')
        while json.loads(await client.recv())["type"] != "analysis":
            pass


async def _publisher(daemon: Daemon) -> None:
    """Publishes a live stream under a name of its own, and leaves without an end."""
    start = {"type": "start", "purpose": "live", "sample_rate": RATE, "format": "s16le"}
    async with connect(daemon.websocket_url, compression=None) as client:
        await client.send(json.dumps({**start, "publish": True, "name": "kitchen"}))
        while json.loads(await client.recv())["type"] not in ("started", "error"):
            pass
        await client.send(_UPLOAD[:32_768])


async def _reader_of_the_past(daemon: Daemon) -> None:
    """Lists the files, forgets all of them, and asks for what is kept of a stream and erases it."""
    async with connect(daemon.websocket_url, compression=None) as client:
        stream = json.loads(await client.recv())["streams"][0]

        async def ask(answered_by: str, **request: object) -> Any:
            await client.send(json.dumps(request))
            while (message := json.loads(await client.recv()))["type"] != answered_by:
                pass
            return message

        files = (await ask("history", type="history"))["files"]
        await ask("history", type="forget", ids=[file["id"] for file in files])
        await ask("past", type="past", stream=stream)
        await ask("erased", type="erase", stream=stream)


async def _muter(daemon: Daemon) -> None:
    """Mutes what can be muted, waits for it, and unmutes it again."""
    async with connect(daemon.websocket_url, compression=None) as client:
        for muted, status in ((True, "muted"), (False, "running")):
            await client.send(json.dumps({"type": "mute", "muted": muted}))
            while json.loads(await client.recv()).get("status") != status:
                pass


async def _malformed(daemon: Daemon) -> None:
    """Sends what is no request, and goes on after it was refused."""
    for begun in (b"GET / HTTP/9.9\r\n", b"GET /" + b"a" * 9_000, b"nothing-of-the-kind"):
        reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
        writer.write(begun)
        assert (await reader.readline()).startswith(b"HTTP/1.1 4")
        with contextlib.suppress(ConnectionError):
            writer.write(b"b" * 9_000)
            await writer.drain()
        writer.close()


async def non_reader(daemon: Daemon) -> None:
    """Read nothing until the daemon drops the connection.

    This is no part of the cycle: a lossless daemon waits five seconds for it.
    """
    client = await connect(daemon.websocket_url, max_queue=1)
    client.transport.pause_reading()
    await asyncio.sleep(6)
    client.transport.abort()


PASSING_CLIENTS: Mapping[str, Callable[[Daemon], Awaitable[None]]] = MappingProxyType(
    {
        "polite": _polite,
        "abrupt": _abrupt,
        "half-open": _half_open,
        "scraper": _scraper,
        "subscriber": _subscriber,
        "knocker": _knocker,
        "canceller": _canceller,
        "rememberer": _rememberer,
        "uploader": _uploader,
        "publisher": _publisher,
        "reader of the past": _reader_of_the_past,
        "malformed": _malformed,
    }
)
"""Clients that connect and leave, one after the other."""
MUTER = _muter
"""One that needs a source that can be muted."""
