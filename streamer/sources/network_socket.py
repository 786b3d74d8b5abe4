"""The socket to the server of a network stream: it is there, and answers, within limits of time."""

from __future__ import annotations

import contextlib
import socket
import ssl

from emotiond.exceptions import SourceError
from emotiond.streamer.sources.network_address import Address

CONNECT_SECONDS = 5.0
"""For how long each address of a host is tried."""
ANSWER_SECONDS = 10.0
"""For how long a server may take to answer, from the connection to the last header."""
SILENT_SECONDS = 5.0
"""For how long a server may send nothing in mid-stream."""


def refusal(address: Address, problem: str, remedy: str) -> SourceError:
    """Return why there is no stream, of which no more is shown than may be."""
    return SourceError(f"{address.shown}: {problem}", remedy)


def encrypted(connected: socket.socket, address: Address) -> socket.socket:
    """Speak TLS, if the address says so. This takes the socket over.

    Raises:
        OSError: the server does not, or its certificate is not valid.
    """
    if not address.is_encrypted:
        return connected
    context = ssl.create_default_context()
    return context.wrap_socket(connected, server_hostname=address.host)


def shut(connected: socket.socket) -> None:
    """End a connection: a thread that reads is woken."""
    with contextlib.suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
