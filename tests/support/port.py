"""A WebSocket server with small limits on a free port, and raw clients."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from emotiond.streamer.hub import Message
from emotiond.streamer.protocol.events import Emotion
from emotiond.streamer.server.access import Access
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.server.forwarding import NO_PROXIES, Proxies
from emotiond.streamer.server.http import Pages
from emotiond.streamer.server.limits import Limits
from emotiond.streamer.server.websocket_server import WebSocketServer

LIMITS = Limits(
    connections=20, handshake_seconds=60.0, token_seconds=60.0, unread_bytes=64 * 1024,
    unread_seconds=60.0, unread_bytes_per_second=10**6, ping_seconds=60.0, close_seconds=0.2,
)  # fmt: skip
"""Patient: on a busy machine nobody is cut off but by the limit that a test is about."""
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
EMOTION = Emotion(
    seq=0, stream="voice", start=0.0, end=0.0, time=0.0, state="silence", label=None,
    confidence=None, scores=None, raw=None, speech_ratio=0.0, level_dbfs=-120.0,
    age_ms=None, dropped_samples=0,
)  # fmt: skip
EVENT = Message(EMOTION, '{"type":"emotion","filler":"' + "x" * 4000 + '"}')


class Port:
    """A running server and its address."""

    def __init__(self, server: WebSocketServer, host: str) -> None:
        self.server = server
        self.number = server.port
        self.url = f"ws://{host}:{server.port}/ws"
        self._host = host

    async def raw(self, receive_bytes: int | None = None) -> socket.socket:
        """Connect a socket, with a receive buffer of this size if given."""
        client = socket.socket()
        if receive_bytes is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, (self._host, self.number))
        return client


@contextlib.asynccontextmanager
async def port(
    limits: Limits = LIMITS,
    token: str | None = None,
    host: str = "127.0.0.1",
    handlers: Mapping[Any, Any] = MappingProxyType({}),
    proxies: Proxies = NO_PROXIES,
    on_leave: Callable[[Connection], None] = lambda _: None,
) -> AsyncIterator[Port]:
    server = WebSocketServer(
        host,
        0,
        lambda: ['{"type":"hello"}'],
        Pages(lambda: {}, lambda: []),
        Access(host, token=token),
        limits,
        handlers=handlers,
        proxies=proxies,
        on_leave=on_leave,
    )
    try:
        await server.serve()
        yield Port(server, host)
    finally:
        await server.close()


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(test(), 30)

    asyncio.run(bounded())


async def everything(client: socket.socket) -> bytes:
    """Receive until the server closes the connection."""
    loop, received = asyncio.get_running_loop(), b""
    with client, contextlib.suppress(ConnectionError):
        while piece := await loop.sock_recv(client, 65_536):
            received += piece
    return received


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


async def closing_code(client: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            await client.recv()
    return None if closed.value.rcvd is None else closed.value.rcvd.code


def frame(opcode: int, payload: bytes, fin: bool = True) -> bytes:
    """Return a masked frame of less than 126 bytes. The mask is zero."""
    return struct.pack("!BB4x", opcode | 0x80 * fin, 0x80 | len(payload)) + payload
