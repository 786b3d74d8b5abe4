"""Listening sockets that let in so many clients at once, and count them to the last descriptor."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Sequence
from typing import Any

_READ_BYTES = 8 * 1024  # at once: more would be parsed into many thousand tiny frames
_KERNEL_BYTES = 64 * 1024  # that the system holds for a client, unread ones of either side
_ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # IPv6 where there is none
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: 26\r\nRetry-After: 10\r\nConnection: close\r\n\r\n"
    b"too many connections here\n"
)


class Occupancy:
    """How many clients are in, of all listeners together.

    Args:
        limit: of connections.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.count = 0
        self.refused = 0
        """Connections beyond the limit."""


class Listener(socket.socket):
    """A listening socket; a client too many is told 503 and costs nothing further.

    Counting here, and not where a request has been read, counts the clients that never
    finish one, or a TLS handshake, too.
    """

    def open(self, occupancy: Occupancy, encrypted: bool) -> None:
        """Begin to count; with encryption, a client too many is not told but hung up on."""
        self._occupancy = occupancy
        self._encrypted = encrypted

    def accept(self) -> tuple[socket.socket, Any]:
        """The next client; asyncio asks in this way wherever it waits by select or the like.

        Raises:
            ConnectionAbortedError: there are too many already.
        """
        client, address = super().accept()
        if self._occupancy.count >= self._occupancy.limit:
            self._occupancy.refused += 1
            self._refuse(client)
            raise ConnectionAbortedError(errno.ECONNABORTED, "too many connections")
        counted = _CountedSocket(client.family, client.type, client.proto, fileno=client.detach())
        counted.count_in(self._occupancy)
        return counted, address

    def _refuse(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.setblocking(False)
            if not self._encrypted:
                client.send(_BUSY)
                client.shutdown(socket.SHUT_WR)
            client.recv(_READ_BYTES)  # closing on something unread would take the answer back


class _CountedSocket(socket.socket):
    """A client's socket: read in small pieces, counted until it is closed."""

    _occupancy: Occupancy | None = None

    def count_in(self, occupancy: Occupancy) -> None:
        self._occupancy = occupancy
        occupancy.count += 1

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        return super().recv(min(bufsize, _READ_BYTES), flags)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        return super().recv_into(buffer, min(nbytes or len(buffer), _READ_BYTES), flags)

    def close(self) -> None:
        super().close()
        if self._occupancy is not None:
            self._occupancy.count -= 1
            self._occupancy = None


def open_listeners(
    host: str, port: int, occupancy: Occupancy, encrypted: bool
) -> Sequence[Listener]:
    """One for each address of the host, all with the same port.

    Raises:
        OSError: it cannot be listened on.
        OverflowError: the port is none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    listeners: list[Listener] = []
    problem: OSError | None = None
    for family, kind, protocol, _, address in dict.fromkeys(found):
        if port == 0 and listeners:
            address = (address[0], listeners[0].getsockname()[1], *address[2:])  # noqa: PLW2901
        try:
            listeners.append(_bind(Listener(family, kind, protocol), address))
            listeners[-1].open(occupancy, encrypted)
        except OSError as error:
            problem = error
            if error.errno not in _ABSENT:
                break
    if problem is not None and (problem.errno not in _ABSENT or not listeners):
        for listener in listeners:
            listener.close()
        raise problem
    return listeners


def _bind(listener: Listener, address: Any) -> Listener:
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if listener.family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BYTES)
        listener.setblocking(False)
        listener.bind(address)
    except BaseException:
        listener.close()
        raise
    return listener
