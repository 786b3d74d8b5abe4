"""A small WebSocket client. Copy this file; it needs only ``websockets``.

python websocket_client.py [127.0.0.1:8765]

``EMOTIOND_TOKEN_FILE`` names the file with the daemon's token. ``SSL_CERT_FILE`` names a
certificate that no authority has signed.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from websockets.exceptions import (
    ConnectionClosed,
    InvalidMessage,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.sync.client import ClientConnection, connect

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 10.0
_PING_SECONDS = 5.0  # between pings, and for an answer: a connection may be half open
_HELLO_SECONDS = 8.0  # for the first message; the daemon waits 5 s for a token
_TOKEN_WANTED = 4401  # the closing code of the daemon
_PORT = 8765
_UNKNOWN_AUTHORITY = {18, 19, 20, 21}  # of OpenSSL: somebody signed whom this machine does not know


class Connection(ClientConnection):
    """A connection that says why it was refused, even if the answer comes before the request.

    A daemon with too many connections answers at once. If websockets 17.4 reads that before it
    writes the request, its handshake fails without the reason
    (``findings/websockets-early-refusal.sh``).
    """

    def handshake(self, *arguments: Any, **options: Any) -> None:
        try:
            super().handshake(*arguments, **options)
        except (AssertionError, ConnectionClosed) as error:
            raise self.protocol.handshake_exc or error from None


OPTIONS: Mapping[str, Any] = {
    "compression": None,
    "max_size": 2**20,
    "proxy": None,
    "create_connection": Connection,
    "logger": logging.Logger("websockets", logging.CRITICAL),  # what fails is raised as well
}
"""What ``connect`` needs for a connection to a daemon."""


class TokenRefused(Exception):  # noqa: N818 - what has happened
    """The daemon requires a token, and this one is missing or wrong."""


def websocket_url(address: str, scheme: str = "ws") -> str:
    """Return the URL of a daemon's WebSocket.

    Args:
        address: that URL, the page's, or only ``HOST``, ``HOST:PORT`` or ``HOST:PORT/PATH``.
        scheme: ``ws`` or ``wss``, for an address without one.

    Raises:
        ValueError: this is no such address.
    """
    is_bare, encrypted = "://" not in address, None
    with contextlib.suppress(ValueError):  # an invalid port, or a missing bracket
        parts = urlsplit(f"{scheme}://{address}" if is_bare else address)
        if parts.hostname and parts.port != 0:
            encrypted = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}.get(parts.scheme)
    if encrypted is None:
        raise ValueError(f"{address!r} is no address like 127.0.0.1:{_PORT}")
    place = f"{parts.netloc}:{_PORT}" if is_bare and parts.port is None else parts.netloc
    path, is_whole = parts.path.rstrip("/"), parts.scheme == encrypted and not is_bare
    if not path or not (is_whole or path.endswith("/ws")):
        path += "/ws"
    return urlunsplit((encrypted, place, path, parts.query, ""))


def messages(
    url: str,
    token: str | None = None,
    tls: ssl.SSLContext | None = None,
    on_open: Callable[[], object] = lambda: None,
) -> Iterator[dict[str, Any]]:
    """Yield every message of one connection, ``hello`` first, until it ends.

    Args:
        url: the URL of the daemon's WebSocket.
        token: the token of the daemon; None if it requires none.
        tls: whom to trust at ``wss://``; None for the authorities that this machine knows.
        on_open: called when a WebSocket answers.

    Raises:
        OSError: there is no daemon, or the connection broke.
        TokenRefused: the daemon requires a token, and this one is missing or wrong.
        websockets.exceptions.WebSocketException: the handshake failed.
        websockets.exceptions.InvalidURI: this is not the address of a WebSocket.
    """
    pings: dict[str, Any] = {"ping_interval": _PING_SECONDS, "ping_timeout": _PING_SECONDS}
    with connect(url, ssl=tls, **pings, **OPTIONS) as connection:
        on_open()
        try:
            if token is not None:
                connection.send(json.dumps({"type": "auth", "token": token}))
            yield json.loads(connection.recv(_HELLO_SECONDS))
            for text in connection:
                yield json.loads(text)
        except ConnectionClosed as closed:
            if closed.rcvd is not None and closed.rcvd.code == _TOKEN_WANTED:
                raise TokenRefused(
                    "the daemon wants another token; EMOTIOND_TOKEN_FILE names the file with it"
                ) from None
            raise


def messages_forever(
    url: str,
    token: str | None = None,
    tls: ssl.SSLContext | None = None,
    on_open: Callable[[], object] = lambda: None,
) -> Iterator[dict[str, Any]]:
    """Yield messages over all reconnects, with growing pauses in between.

    A connection that breaks yields ``{"type": "disconnected", "detail": …}``. The arguments are
    those of :func:`messages`.

    Raises:
        TokenRefused: as above.
        websockets.exceptions.InvalidURI: as above.
    """
    pause_seconds = _FIRST_PAUSE_SECONDS
    while True:
        detail = "the daemon closed the connection"
        try:
            for message in messages(url, token, tls, on_open):
                pause_seconds = _FIRST_PAUSE_SECONDS
                yield message
        except InvalidURI:
            raise
        except (OSError, WebSocketException, ValueError, RecursionError) as error:  # no JSON, too
            detail = reason_of(error)
        yield {"type": "disconnected", "detail": detail}
        time.sleep(pause_seconds)
        pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)


def reason_of(error: Exception) -> str:
    """Return why there is no connection, with the remedy where one is known."""
    if isinstance(error, InvalidStatus):  # the response says what to do
        return bytes(error.response.body or b"").decode(errors="replace").strip() or str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = f"its certificate is refused ({error.verify_message.rstrip('.')})"
        if error.verify_code in _UNKNOWN_AUTHORITY:
            reason += (
                "; 'emotiond watch --ca FILE', elsewhere SSL_CERT_FILE, names the file with the "
                "certificate or that of its authority"
            )
        return reason
    if isinstance(error, ssl.SSLError):
        return f"no TLS is spoken there ({error.reason}); without it, the address begins with ws://"
    if isinstance(error, InvalidMessage):
        return "no WebSocket answers; if the daemon encrypts, the address begins with wss://"
    if isinstance(error, ConnectionRefusedError):
        return "no program listens there; start emotiond"
    return getattr(error, "strerror", None) or str(error)


if __name__ == "__main__":
    if len(sys.argv) > 2 or sys.argv[-1].startswith("-"):
        sys.exit(__doc__)
    file = os.environ.get("EMOTIOND_TOKEN_FILE")
    try:
        address = websocket_url(sys.argv[1] if sys.argv[1:] else "127.0.0.1")
        for message in messages_forever(address, Path(file).read_text().strip() if file else None):
            if message["type"] == "change":
                print(f"{message['at']:8.2f} s  {message['from']} → {message['to']}", flush=True)
            elif message["type"] == "disconnected":
                print(f"disconnected: {message['detail']}", file=sys.stderr)
    except (ValueError, InvalidURI, TokenRefused) as error:
        sys.exit(f"websocket_client: {error}")
    except KeyboardInterrupt:
        pass
