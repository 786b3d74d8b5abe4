"""A thousand WebSocket clients in one thread, which measure the delay of each event."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from urllib.parse import urlsplit

_SENT = re.compile(rb'"time":([\d.]+).*?"age_ms":([\d.]+)')
_SIMULTANEOUS = 50  # handshakes
_SMALL_BUFFER_BYTES = 4096


class _Client(asyncio.Protocol):
    def __init__(self, host: str, path: str, delays_ms: list[float]) -> None:
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ).encode()
        self._delays_ms = delays_ms
        self.upgraded = asyncio.get_running_loop().create_future()
        self.transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        if not self.upgraded.done():
            error = None if b" 101 " in data[:20] else ConnectionError(data[:80].decode("latin1"))
            self.upgraded.set_exception(error) if error else self.upgraded.set_result(None)
            return
        for sent, age_ms in _SENT.findall(data):
            self._delays_ms.append((now - float(sent)) * 1000 - float(age_ms))

    def connection_lost(self, error: Exception | None) -> None:
        if not self.upgraded.done():
            self.upgraded.set_exception(error or ConnectionError("closed"))


class ManyClients:
    """Clients of one server."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._host, self._port, self._path = parts.hostname, parts.port, parts.path
        self._clients: list[_Client] = []
        self.delays_ms: list[float] = []
        """Time from the sending of an event to its arrival, for each event and client."""

    async def connect(self, count: int, stalled: bool = False) -> None:
        """Connect this many clients. Stalled ones have a small buffer and stop reading."""
        for first in range(0, count, _SIMULTANEOUS):
            size = min(_SIMULTANEOUS, count - first)
            await asyncio.gather(*(self._open(stalled) for _ in range(size)))

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients:
            assert client.transport is not None
            client.transport.close()

    async def _open(self, stalled: bool) -> None:
        host, loop = f"{self._host}:{self._port}", asyncio.get_running_loop()
        client = _Client(host, self._path, self.delays_ms)
        connection = socket.socket()
        if stalled:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER_BYTES)
        connection.setblocking(False)
        await loop.sock_connect(connection, (self._host, self._port))
        transport, _ = await loop.create_connection(lambda: client, sock=connection)
        await client.upgraded
        if stalled:
            transport.pause_reading()
        self._clients.append(client)
