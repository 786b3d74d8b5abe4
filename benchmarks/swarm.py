"""A thousand WebSocket clients in one thread: they shake hands, listen, and note delays."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from urllib.parse import urlsplit

_SENT = re.compile(rb'"time":([\d.]+).*?"age_ms":([\d.]+)')
_TOGETHER = 50  # handshakes at a time
_LITTLE_BYTES = 4096


class _Client(asyncio.Protocol):
    def __init__(self, host: str, path: str, delays_ms: list[float]) -> None:
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ).encode()
        self._delays_ms = delays_ms
        self.greeted = asyncio.get_running_loop().create_future()
        self.transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        if not self.greeted.done():
            refused = None if b" 101 " in data[:20] else ConnectionError(data[:80].decode("latin1"))
            self.greeted.set_exception(refused) if refused else self.greeted.set_result(None)
            return
        for sent, age_ms in _SENT.findall(data):
            self._delays_ms.append((now - float(sent)) * 1000 - float(age_ms))

    def connection_lost(self, error: Exception | None) -> None:
        if not self.greeted.done():
            self.greeted.set_exception(error or ConnectionError("hung up"))


class Swarm:
    """Clients of one server; each event's time from its sending, for every client."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._host, self._port, self._path = parts.hostname, parts.port, parts.path
        self._clients: list[_Client] = []
        self.delays_ms: list[float] = []

    async def join(self, count: int, stalled: bool = False) -> None:
        """Let so many clients connect; stalled ones have little room, and read no further."""
        for first in range(0, count, _TOGETHER):
            together = min(_TOGETHER, count - first)
            await asyncio.gather(*(self._connect(stalled) for _ in range(together)))

    def leave(self) -> None:
        """Hang up."""
        for client in self._clients:
            assert client.transport is not None
            client.transport.close()

    async def _connect(self, stalled: bool) -> None:
        host, loop = f"{self._host}:{self._port}", asyncio.get_running_loop()
        client = _Client(host, self._path, self.delays_ms)
        connection = socket.socket()
        if stalled:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _LITTLE_BYTES)
        connection.setblocking(False)
        await loop.sock_connect(connection, (self._host, self._port))
        transport, _ = await loop.create_connection(lambda: client, sock=connection)
        await client.greeted
        if stalled:
            transport.pause_reading()
        self._clients.append(client)
