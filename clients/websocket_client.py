"""A small WebSocket client: copy this file, it needs nothing but ``websockets``.

python websocket_client.py [ws://127.0.0.1:8765/ws]
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 10.0


def messages(url: str) -> Iterator[dict[str, Any]]:
    """Yield every message of one connection, ``hello`` first, until it ends.

    Raises:
        OSError: there is no daemon, or the connection broke off.
        websockets.exceptions.WebSocketException: it did not agree to talk.
    """
    with connect(url, compression=None, max_size=2**20, proxy=None) as connection:
        for text in connection:
            yield json.loads(text)


def messages_for_ever(url: str) -> Iterator[dict[str, Any]]:
    """Yield messages over all reconnects, with growing pauses in between.

    A connection that breaks yields ``{"type": "disconnected", "detail": …}``.
    """
    pause_seconds = _FIRST_PAUSE_SECONDS
    while True:
        detail = "the daemon closed the connection"
        try:
            for message in messages(url):
                pause_seconds = _FIRST_PAUSE_SECONDS
                yield message
        except (OSError, WebSocketException, ValueError) as error:  # ValueError: no JSON
            detail = str(error)
        yield {"type": "disconnected", "detail": detail}
        time.sleep(pause_seconds)
        pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)


if __name__ == "__main__":
    try:
        for message in messages_for_ever(*(sys.argv[1:] or ["ws://127.0.0.1:8765/ws"])):
            if message["type"] == "change":
                print(f"{message['at']:8.2f} s  {message['from']} → {message['to']}", flush=True)
    except KeyboardInterrupt:
        pass
