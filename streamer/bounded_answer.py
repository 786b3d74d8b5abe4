"""An answer of HTTP that is broken off where it gets too long."""

from __future__ import annotations

import http.client
import io
import socket
from typing import Any

MOST_HEAD_BYTES = 128 * 1024
"""Of an answer: status, headers and all that comes before them."""


class _Bounded(io.RawIOBase):
    """What a server sends, up to a limit; None for no limit."""

    def __init__(self, raw: io.RawIOBase, left_bytes: int | None) -> None:
        self._raw = raw
        self.left_bytes = left_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.left_bytes is None:
            return self._raw.readinto(buffer)
        if self.left_bytes == 0:
            raise http.client.HTTPException("too long")
        count: int | None = self._raw.readinto(memoryview(buffer)[: self.left_bytes])
        self.left_bytes -= count or 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class BoundedAnswer(http.client.HTTPResponse):
    """Such an answer, as a connection of ``http.client`` takes it.

    http.client bounds neither the answers before the last one nor trailers, takes 6 MB of headers,
    each piece of them as a line, and reads a chunk of negative size to the end of the connection.
    """

    most_body_bytes: int | None = None
    """Of the body; None for a stream."""

    def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self._bounded = _Bounded(self.fp.detach(), MOST_HEAD_BYTES)
        self.fp = io.BufferedReader(self._bounded)

    def begin(self) -> None:
        """Read the head."""
        super().begin()
        self._bounded.left_bytes = self.most_body_bytes
