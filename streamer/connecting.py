"""Connects to one of the addresses of a host, in their order."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

Place: TypeAlias = "tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]"
"""What ``getaddrinfo`` finds."""


def first_connected(
    places: Sequence[Place], connect: Callable[[socket.socket, Any], object]
) -> socket.socket:
    """Return a socket that is connected to the first of the places which accepts.

    Args:
        places: of the host.
        connect: connects a new socket to an address, or raises OSError.

    Raises:
        OSError: none accepts. It is that of the last one.
    """
    failure: OSError = ConnectionRefusedError(errno.ECONNREFUSED, "")
    for family, kind, protocol, _, address in places:
        with contextlib.ExitStack() as stack:
            try:  # a system without IPv6 makes no socket for it
                connecting = stack.enter_context(socket.socket(family, kind, protocol))
                connect(connecting, address)
            except OSError as error:
                failure = error
            else:
                stack.pop_all()
                return connecting
    raise failure
