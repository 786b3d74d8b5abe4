"""A small WebSocket client. Copy this file; it needs only ``websockets``.

python websocket_client.py [ws://127.0.0.1:8765/ws]

``EMOTIOND_TOKEN_FILE`` names the file with the daemon's token. ``SSL_CERT_FILE`` names a
certificate that no authority has signed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException
from websockets.sync.client import connect

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 10.0
_PING_SECONDS = 5.0  # between pings, and for an answer: a connection may be half open
_TOKEN_WANTED = 4401  # the closing code of the daemon


class TokenRefused(Exception):  # noqa: N818 - what has happened
    """The daemon requires a token, and this one is missing or wrong."""


def messages(url: str, token: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield every message of one connection, ``hello`` first, until it ends.

    Raises:
        OSError: there is no daemon, or the connection broke.
        TokenRefused: the daemon requires a token, and this one is missing or wrong.
        websockets.exceptions.WebSocketException: the handshake failed.
        websockets.exceptions.InvalidURI: this is not the address of a WebSocket.
    """
    options: dict[str, Any] = {"ping_interval": _PING_SECONDS, "ping_timeout": _PING_SECONDS}
    with connect(url, compression=None, max_size=2**20, proxy=None, **options) as connection:
        try:
            if token is not None:
                connection.send(json.dumps({"type": "auth", "token": token}))
            for text in connection:
                yield json.loads(text)
        except ConnectionClosed as closed:
            if closed.rcvd is not None and closed.rcvd.code == _TOKEN_WANTED:
                raise TokenRefused(
                    "the daemon wants another token; EMOTIOND_TOKEN_FILE names the file with it"
                ) from None
            raise


def messages_forever(url: str, token: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield messages over all reconnects, with growing pauses in between.

    A connection that breaks yields ``{"type": "disconnected", "detail": …}``.

    Raises:
        TokenRefused: as above.
        websockets.exceptions.InvalidURI: as above.
    """
    pause_seconds = _FIRST_PAUSE_SECONDS
    while True:
        detail = "the daemon closed the connection"
        try:
            for message in messages(url, token):
                pause_seconds = _FIRST_PAUSE_SECONDS
                yield message
        except InvalidURI:
            raise
        except InvalidStatus as refused:  # the response says what to do
            detail = bytes(refused.response.body or b"").decode() or str(refused)
        except (OSError, WebSocketException, ValueError) as error:  # ValueError: no JSON
            detail = str(error)
        yield {"type": "disconnected", "detail": detail}
        time.sleep(pause_seconds)
        pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)


if __name__ == "__main__":
    if len(sys.argv) > 2 or sys.argv[-1].startswith("-"):
        sys.exit(__doc__)
    address = sys.argv[1] if sys.argv[1:] else "ws://127.0.0.1:8765/ws"
    file = os.environ.get("EMOTIOND_TOKEN_FILE")
    try:
        for message in messages_forever(address, Path(file).read_text().strip() if file else None):
            if message["type"] == "change":
                print(f"{message['at']:8.2f} s  {message['from']} → {message['to']}", flush=True)
            elif message["type"] == "disconnected":
                print(f"disconnected: {message['detail']}", file=sys.stderr)
    except (InvalidURI, TokenRefused) as error:
        sys.exit(f"websocket_client: {error}")
    except KeyboardInterrupt:
        pass
