"""The socket to the server of a network stream: it is there, and answers, within limits of time."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Iterator

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


def connected_to(address: Address, first: Address) -> socket.socket:
    """Connect to a server.

    Args:
        address: of the server.
        first: the address that the user gave, for the message.

    Raises:
        SourceError: it is not there.
    """
    try:
        connected = socket.create_connection((address.host, address.port), CONNECT_SECONDS)
        connected.settimeout(ANSWER_SECONDS)
        return connected
    except TimeoutError:
        reason = f"no answer within {CONNECT_SECONDS:g} s"
    except (socket.gaierror, UnicodeError):
        reason = "there is no such host"
    except OSError as error:
        reason = os.strerror(error.errno or 0)
    raise refusal(first, f"cannot connect ({reason})", "Start the server, or change the address")


def encrypted(connected: socket.socket, address: Address) -> socket.socket:
    """Speak TLS, if the address says so. This takes the socket over.

    Raises:
        OSError: the server does not, or its certificate is not valid.
    """
    if not address.is_encrypted:
        return connected
    context = ssl.create_default_context()
    return context.wrap_socket(connected, server_hostname=address.host)


@contextlib.contextmanager
def deadline(connected: socket.socket) -> Iterator[threading.Event]:
    """Shut the connection if this takes too long, and yield what then is set.

    A timeout of the socket begins anew with each byte.
    """
    is_late = threading.Event()

    def end() -> None:
        is_late.set()
        shut(watched)

    with connected.dup() as watched:  # TLS takes the socket itself away
        timer = threading.Timer(ANSWER_SECONDS, end)
        timer.daemon = True
        timer.start()
        try:
            yield is_late
        finally:
            timer.cancel()
            timer.join()


def shut(connected: socket.socket) -> None:
    """End a connection: a thread that reads is woken."""
    with contextlib.suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
