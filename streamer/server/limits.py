"""What clients may cost: every limit on what they send, hold and leave unread."""

from __future__ import annotations

import sys
from dataclasses import dataclass

_DESCRIPTORS_KEPT = 64  # for models, devices, recordings, ZeroMQ


@dataclass(frozen=True)
class Limits:
    """Of one port, or of each client where nothing else is said."""

    connections: int = 512
    """Of all clients together; one more gets 503."""
    handshake_seconds: float = 5.0
    """From the connection to the end of the request, TLS included, and to that of a page."""
    head_bytes: int = 16 * 1024
    """Of a request: its line and its headers."""
    token_seconds: float = 5.0
    """From the handshake to the token, where one is wanted."""
    message_bytes: int = 64 * 1024
    fragments: int = 64
    """Of one message."""
    frames_per_second: float = 100.0
    """Over a longer time; pings count, too."""
    frames_at_once: int = 200
    uncounted_bytes: int = 4 * 1024
    """Of a piece of a file: as large as this, it need not be counted, since it waits its turn."""
    uploads: int = 4
    """At once, of all clients together."""
    file_seconds: float = 30 * 60.0
    """Of a file that a client sends."""
    idle_seconds: float = 30.0
    """For which a client may send no sound to the stream that it has started."""
    senseless_messages: int = 10
    """Answered with an error before the client is sent away."""
    unread_bytes: int = 256 * 1024
    """That wait to be read by the client."""
    unread_seconds: float = 10.0
    """For which something may wait without a moment in which everything was taken."""
    ping_seconds: float = 20.0
    """From one ping to the next, and for its answer."""
    close_seconds: float = 0.5
    """For which a good-bye is waited for."""


def affordable_connections(wanted: int) -> int:
    """As many connections as wanted, or fewer where the process may not open so many files."""
    if sys.platform == "win32":
        return wanted
    import resource

    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (
        wanted if most == resource.RLIM_INFINITY else max(1, min(wanted, most - _DESCRIPTORS_KEPT))
    )
