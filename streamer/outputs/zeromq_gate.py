"""Lets connections to a listening socket of libzmq come at a rate. The others wait: it takes Linux.

libzmq accepts whoever comes, and looks through all subscriptions for each connection that ends, in
the thread that sends. It keeps the descriptor and the memory of a connection until it has done so.
So who connects and leaves fast enough would take them without a bound.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import stat
import struct
import time
from pathlib import Path

CONNECTIONS_AT_ONCE, CONNECTIONS_PER_SECOND = 40, 10.0
"""Connections that come without a pause, and on top."""

_ATTACH_FILTER, _DETACH_FILTER = 26, 27  # socket options SO_ATTACH_FILTER and SO_DETACH_FILTER
_DROP = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # classic BPF: return 0
_DROP_ALL = struct.pack("HP", 1, ctypes.addressof(_DROP))


class Gate:
    """Shuts a listening socket for a while after too many connections.

    The kernel then drops what begins a connection, and the other side repeats it a second later.

    Args:
        endpoint: where libzmq listens, over TCP.
    """

    def __init__(self, endpoint: str) -> None:
        host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
        self._listener = _listener_at(host.strip("[]"), int(port))
        self._left = float(CONNECTIONS_AT_ONCE)
        self._seconds = time.monotonic()
        self.is_shut = False
        """Whether new connections wait."""

    def note_connection(self) -> None:
        """Count a connection. One too many shuts the gate."""
        self._earn()
        self._left -= 1
        if self._left < 1 and not self.is_shut:
            self.is_shut = self._set(_ATTACH_FILTER, _DROP_ALL)

    def look(self) -> None:
        """Open the gate again when another one may come."""
        self._earn()
        if self.is_shut and self._left >= 1:
            self._set(_DETACH_FILTER, bytes(4))
            self.is_shut = False

    def close(self) -> None:
        """Let go of the socket, which would stay bound otherwise."""
        if self._listener is not None:
            self._listener.close()

    def _earn(self) -> None:
        now = time.monotonic()
        earned = (now - self._seconds) * CONNECTIONS_PER_SECOND
        self._seconds, self._left = now, min(CONNECTIONS_AT_ONCE, self._left + earned)

    def _set(self, option: int, value: bytes) -> bool:
        """Return whether it is done. A system may have no filters, or no ``/proc``."""
        if self._listener is None:
            return False
        try:
            self._listener.setsockopt(socket.SOL_SOCKET, option, value)
        except OSError:
            return False
        return True


def _listener_at(host: str, port: int) -> socket.socket | None:
    """Return a descriptor of one's own for the listening socket of this process at an address."""
    for path in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:  # closed meanwhile
            if stat.S_ISSOCK(path.stat().st_mode):
                found = socket.socket(fileno=os.dup(int(path.name)))
                stack.enter_context(found)
                if _listens_at(found, host, port):
                    stack.pop_all()
                    return found
    return None


def _listens_at(found: socket.socket, host: str, port: int) -> bool:
    return (
        found.family in (socket.AF_INET, socket.AF_INET6)
        and found.getsockname()[:2] == (host, port)
        and found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
    )
