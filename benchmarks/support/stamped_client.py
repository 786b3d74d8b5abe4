"""A WebSocket client to which the kernel says when each message has come (Linux).

So its own wait for the processor, beside others on its core, counts for nothing.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from urllib.parse import urlsplit

from benchmarks.support.clients import Arrival

_TIMESTAMPS = 35  # SO_TIMESTAMPNS, which the module socket does not know
_TIMESPEC = struct.Struct("ll")
_READ_BYTES = 64 * 1024
_SHORT, _LONG = 126, 127  # lengths that stand for a longer field
_TEXT = 1  # opcode of a frame
_PATIENCE_SECONDS = 10.0


class StampedClient:
    """One connection, for less than 40 s: it answers no pings.

    Args:
        url: of the daemon's WebSocket.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port), _PATIENCE_SECONDS)
        self._socket.setsockopt(socket.SOL_SOCKET, _TIMESTAMPS, 1)
        self._waiting = b""
        self._socket.sendall(
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._waiting:
            self._waiting += self._receive()[1]
        self._waiting = self._waiting.partition(b"\r\n\r\n")[2]

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def arrivals(self, seconds: float) -> list[Arrival]:
        """Return the events that come from now on, for this long.

        Raises:
            ConnectionError: the daemon closed the connection.
        """
        found, began, deadline = [], time.time(), time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                now, data = self._receive()
            except TimeoutError:
                break
            self._waiting += data
            while (message := _first_message(self._waiting)) is not None:
                content, self._waiting = message
                event = json.loads(content or b"{}")
                if event.get("type") == "emotion" and now >= began:
                    found.append(Arrival(now, event))
        return found

    def _receive(self) -> tuple[float, bytes]:
        """Return when the next bytes came, and the bytes."""
        data, ancillary, _, _ = self._socket.recvmsg(_READ_BYTES, socket.CMSG_SPACE(64))
        if not data:
            raise ConnectionError("the daemon closed the connection")
        now = time.time()
        for _, _, content in ancillary:  # none with what came before the kernel was asked
            whole, fraction = _TIMESPEC.unpack(content[: _TIMESPEC.size])
            now = whole + fraction / 1e9
        return now, data


def _first_message(data: bytes) -> tuple[bytes, bytes] | None:
    """Return the text of the first frame, empty for a ping, and the rest; None if there is none."""
    if len(data) < 2:
        return None
    opcode, length, start = data[0] & 15, data[1], 2
    if length in (_SHORT, _LONG):
        size = 2 if length == _SHORT else 8
        length, start = int.from_bytes(data[2 : 2 + size], "big"), 2 + size
    if len(data) < start or len(data) < start + length:
        return None
    content = data[start : start + length] if opcode == _TEXT else b""
    return content, data[start + length :]
