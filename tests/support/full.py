"""Clients that take all connections of a daemon."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from emotiond.clients.websocket_client import OPTIONS
from tests.support.daemon import PATIENCE_SECONDS


@contextlib.contextmanager
def filling(url: str) -> Iterator[Callable[[], None]]:
    """Yield what opens connections until the daemon refuses one. They stay for the context.

    Args:
        url: the URL of the daemon's WebSocket.
    """
    with contextlib.ExitStack() as clients:

        def fill() -> None:
            with contextlib.suppress(InvalidHandshake):
                while True:
                    opening = connect(url, open_timeout=PATIENCE_SECONDS, **OPTIONS)
                    client = clients.enter_context(opening)
                    threading.Thread(target=_read, args=(client,), daemon=True).start()

        yield fill


def _read(client: ClientConnection) -> None:
    """Who reads nothing is dropped by the daemon after a while."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            client.recv()
