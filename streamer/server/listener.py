"""Listening sockets that limit the connections and count each of them."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Sequence
from typing import Any

from emotiond.streamer.server.access import is_unspecified
from emotiond.streamer.server.forwarding import NO_PROXIES, Proxies
from emotiond.streamer.server.occupancy import Occupancy, Seat, client_address

_READ_BYTES = 8 * 1024  # per read: more could hold many thousand tiny frames
_KERNEL_BYTES = 64 * 1024  # the kernel's buffers per connection, in each direction
_BACKLOG = 100  # connections that wait to be accepted
_AT_ONCE = 16  # accepted in one go: those that make room must close before the next
_ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # the machine has no IPv6
_EVERYWHERE = "0.0.0.0"  # all of IPv4, if the user asked for it  # noqa: S104  # nosec B104
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: 26\r\nRetry-After: 10\r\nConnection: close\r\n\r\n"
    b"too many connections here\n"
)


class Listener(socket.socket):
    """A listening socket. It answers 503 to connections beyond the limit and closes them.

    It counts connections before a request is read. So it also counts clients that never finish
    a request or a TLS handshake.

    Args:
        family: of addresses.
        kind: of sockets.
        protocol: for ``socket.socket``, as the two before.
        occupancy: counts the connections, and decides which may come.
        encrypted: whether connections are. Then a refused client gets no answer.
        proxies: their own connections have no limit of an address: that of a visitor counts.
    """

    def __init__(
        self,
        family: int,
        kind: int,
        protocol: int,
        occupancy: Occupancy,
        encrypted: bool,
        proxies: Proxies,
    ) -> None:
        super().__init__(family, kind, protocol)
        self._occupancy = occupancy
        self._encrypted = encrypted
        self._proxies = proxies
        self._accepted = 0

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection. Event loops that wait by select or the like call this.

        Raises:
            ConnectionAbortedError: a limit is reached.
            BlockingIOError: the loop should first look at the other sockets.
        """
        self._accepted += 1
        if self._accepted % (_AT_ONCE + 1) == 0:
            raise BlockingIOError(errno.EAGAIN, "others come first")
        client, peer = super().accept()
        is_proxy = self._proxies.trust(peer[0])
        address = None if is_proxy else client_address(peer[0], _reached(client))
        if not self._occupancy.has_room(address):
            self._refuse(client)
            raise ConnectionAbortedError(errno.ECONNABORTED, "too many connections")
        return _CountedSocket(client, self._occupancy, address), peer

    def _refuse(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.setblocking(False)
            if not self._encrypted:
                client.send(_BUSY)
                client.shutdown(socket.SHUT_WR)
            client.recv(_READ_BYTES)  # closing with unread data would discard the answer


class _CountedSocket(socket.socket):
    """The socket of a connection. It reads small pieces and counts until it is closed."""

    def __init__(self, accepted: socket.socket, occupancy: Occupancy, address: str | None) -> None:
        family, kind, protocol = accepted.family, accepted.type, accepted.proto
        super().__init__(family, kind, protocol, fileno=accepted.detach())
        self._occupancy = occupancy
        self._seat = Seat(address, self._hang_up)
        occupancy.enter(self.fileno(), self._seat)

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        return super().recv(min(bufsize, _READ_BYTES), flags)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        return super().recv_into(buffer, min(nbytes or len(buffer), _READ_BYTES), flags)

    def close(self) -> None:
        descriptor = self.fileno()
        super().close()
        self._occupancy.leave(descriptor, self._seat)

    def _hang_up(self) -> None:
        """Let the loop find that the connection has ended."""
        with contextlib.suppress(OSError):  # the client has gone
            self.shutdown(socket.SHUT_RDWR)


def open_listeners(
    host: str, port: int, occupancy: Occupancy, encrypted: bool, proxies: Proxies = NO_PROXIES
) -> Sequence[Listener]:
    """Listen on each address of the host, always on the same port.

    ``::`` means all addresses, those of IPv4 as well.

    Raises:
        OSError: the address cannot be used.
        OverflowError: the port is out of range.
    """
    hosts = (host, _EVERYWHERE) if is_unspecified(host) and ":" in host else (host,)
    found = [
        address
        for name in hosts
        for address in socket.getaddrinfo(
            name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    ]
    listeners: list[Listener] = []
    problem: OSError | None = None
    for family, kind, protocol, _, address in dict.fromkeys(found):
        if port == 0 and listeners:
            address = (address[0], listeners[0].getsockname()[1], *address[2:])  # noqa: PLW2901
        try:
            listener = Listener(family, kind, protocol, occupancy, encrypted, proxies)
            listeners.append(_bind(listener, address))
        except OSError as error:
            problem = error
            if error.errno not in _ABSENT:
                break
    if problem is not None and (problem.errno not in _ABSENT or not listeners):
        for listener in listeners:
            listener.close()
        raise problem
    return listeners


def openable_host(host: str, listeners: Sequence[Listener]) -> str:
    """Return what reaches the listeners from this machine, as it stands in a URL.

    Args:
        host: the host that they were opened for.
        listeners: at least one.
    """
    if is_unspecified(host):
        host = "::1" if listeners[0].family == socket.AF_INET6 else "127.0.0.1"
    return f"[{host}]".replace("%", "%25") if ":" in host else host


def _reached(client: socket.socket) -> str:
    """Return the address of this machine that a client has reached; empty if it has gone."""
    try:
        return str(client.getsockname()[0])
    except OSError:
        return ""


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
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener
