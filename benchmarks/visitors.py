"""Clients of a daemon under test: witnesses that miss nothing, and visitors that come and go."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

import zmq
from websockets.asyncio.client import connect

from tests.support.daemon import Daemon
from tests.support.signals import RATE, demo

_EVENTS = 5  # that a visitor stays for
_UPLOAD = (32_767 * demo()[: 2 * RATE]).astype("<i2").tobytes()


class Witness:
    """Follows the daemon's own streams, and counts the numbers that are missing."""

    def __init__(self) -> None:
        self.events = self.holes = 0
        self.audio_seconds = 0.0
        """Where the stream that is furthest is."""
        self.statuses: Counter[str] = Counter()
        self._last: dict[str, int] = {}

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take note of a message; the last events may come again, as greetings of others."""
        if "seq" not in event:
            return
        last = self._last.get(event["stream"], event["seq"] - 1)
        if event["seq"] <= last:
            return
        self.events += 1
        self.holes += event["seq"] - last - 1
        self._last[event["stream"]] = event["seq"]
        self.audio_seconds = max(self.audio_seconds, event.get("end", 0.0))
        if event["type"] == "status":
            self.statuses[event["status"]] += 1


async def listen(url: str, witness: Witness) -> None:
    """Hear every WebSocket message until cancelled."""
    async with connect(url, compression=None) as client:
        async for text in client:
            witness.hear(json.loads(text))


def subscribe(endpoint: str, witness: Witness, stop: threading.Event) -> None:
    """Hear every ZeroMQ message until told to stop; in a thread of its own."""
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.connect(endpoint)
        socket.subscribe("")
        while not stop.is_set():
            if socket.poll(100):
                witness.hear(json.loads(socket.recv_multipart()[1]))


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
    def stay() -> None:
        with zmq.Context() as context, context.socket(zmq.SUB) as socket:
            socket.connect(daemon.zeromq_endpoint)
            socket.subscribe("emotion")
            for _ in range(_EVENTS):
                if socket.poll(10_000):
                    socket.recv_multipart()

    await asyncio.to_thread(stay)


async def _speaker(daemon: Daemon) -> None:
    """Sends a file of two seconds, and waits for what it holds."""
    start = {"type": "start", "purpose": "file", "sample_rate": RATE, "format": "s16le"}
    async with connect(daemon.websocket_url, compression=None) as client:
        await client.send(json.dumps(start))
        for first in range(0, len(_UPLOAD), 32_768):
            await client.send(_UPLOAD[first : first + 32_768])
        await client.send('{"type":"end"}')
        while json.loads(await client.recv())["type"] != "analysis":
            pass


async def _deaf(daemon: Daemon) -> None:
    """Reads nothing, and is sent away for it."""
    client = await connect(daemon.websocket_url, max_queue=1)
    client.transport.pause_reading()
    await asyncio.sleep(6)
    client.transport.abort()


VISITORS: Mapping[str, Callable[[Daemon], Awaitable[None]]] = MappingProxyType(
    {
        "polite": _polite,
        "abrupt": _abrupt,
        "half-open": _half_open,
        "scraper": _scraper,
        "subscriber": _subscriber,
        "speaker": _speaker,
    }
)
"""Those that come all the time, one after the other."""

DEAF = _deaf
"""One that comes now and then, since a lossless daemon waits five seconds for it."""
