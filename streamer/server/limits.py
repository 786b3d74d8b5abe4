"""The limits on what clients may send, hold and leave unread."""

from __future__ import annotations

import sys
from dataclasses import dataclass

_DESCRIPTORS_KEPT = 64  # for models, devices, files
_DESCRIPTORS_PER_SUBSCRIBER = 4  # two endpoints; libzmq and its guard have one each
MOST_SUBSCRIBERS = 100
"""Connections of a ZeroMQ endpoint."""


@dataclass(frozen=True)
class Limits:
    """The limits of each connection, or of the whole port where the field's text names it."""

    connections: int = 512
    """Connections to the port; one more gets 503."""
    handshake_seconds: float = 5.0
    """Time for TLS and the request, and for the transfer of a page."""
    head_bytes: int = 16 * 1024
    """Size of a request's line and headers."""
    token_seconds: float = 5.0
    """Time from the handshake to the token, if one is required."""
    message_bytes: int = 64 * 1024
    """Size of a message."""
    fragments: int = 64
    """Fragments per message."""
    frames_per_second: float = 100.0
    """Mean rate of frames, pings included."""
    frames_at_once: int = 200
    """Burst of frames."""
    uncounted_bytes: int = 4 * 1024
    """File chunks this large bypass the frame-rate limit; back-pressure paces them."""
    uploads: int = 4
    """Simultaneous uploads to the port."""
    file_seconds: float = 30 * 60.0
    """Duration of an uploaded file."""
    idle_seconds: float = 30.0
    """Time without audio in an upload that has started."""
    senseless_messages: int = 10
    """Messages that are answered with an error before the client is disconnected."""
    unread_bytes: int = 256 * 1024
    """Bytes that wait for the client to read them."""
    unasked_bytes: int = 32 * 1024
    """Bytes of other clients' streams that the client has not proved to have read."""
    unread_seconds: float = 10.0
    """Time that the send buffer may stay non-empty."""
    unread_bytes_per_second: float = 4 * 1024
    """It may stay so for longer by the time that what it holds takes at this rate."""
    ping_seconds: float = 20.0
    """Time between pings, and for their answers."""
    close_seconds: float = 0.5
    """Time for the closing handshake."""


def affordable_connections(requested: int) -> int:
    """Return the requested number of connections, or fewer if the limit of open files is lower."""
    most = _most_descriptors()
    if most is None:
        return requested
    kept = _DESCRIPTORS_KEPT + _DESCRIPTORS_PER_SUBSCRIBER * affordable_subscribers()
    return max(1, min(requested, most - kept))


def affordable_subscribers() -> int:
    """Return the number of connections of a ZeroMQ endpoint: fewer if few files may be open."""
    most = _most_descriptors()
    if most is None:
        return MOST_SUBSCRIBERS
    spare = most // 2 - _DESCRIPTORS_KEPT
    return max(1, min(MOST_SUBSCRIBERS, spare // _DESCRIPTORS_PER_SUBSCRIBER))


def _most_descriptors() -> int | None:
    """Return how many files may be open; None for any number, or where the system does not say."""
    if sys.platform == "win32":
        return None
    import resource

    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if most == resource.RLIM_INFINITY else most
