"""The daemon's own server with the web page, and events that a benchmark makes up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator, Sequence

from emotiond.inference.card import LABELS
from emotiond.streamer.hub import Message
from emotiond.streamer.protocol.events import PROTOCOL, Emotion
from emotiond.streamer.server.access import Access
from emotiond.streamer.server.http import Pages
from emotiond.streamer.server.websocket_server import WebSocketServer

STRIDE_SECONDS = 0.25
STREAM = "mic"

_HOST = "127.0.0.1"
_EPOCH = 1795372800.0
_BATCH = 100
"""Events after which the server waits for the page to read, so that it drops no client."""
_HELLO = json.dumps(
    {
        "type": "hello",
        "protocol": PROTOCOL,
        "version": "0.1.0",
        "model": {"name": "full", "labels": list(LABELS), "window_seconds": 3.0},
        "stride_seconds": STRIDE_SECONDS,
        "streams": [STREAM],
        "last": None,
    }
)


class PageServer:
    """Sends events to the pages that are open.

    Args:
        server: the server.
        loop: the event loop of the server, which runs in another thread.
    """

    def __init__(self, server: WebSocketServer, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self.url = f"http://{_HOST}:{server.port}/"

    def wait_for_page(self) -> None:
        """Wait until a page is connected."""
        asyncio.run_coroutine_threadsafe(self._server.wait_for_clients(1), self._loop).result()

    def send(self, events: Sequence[Emotion]) -> None:
        """Send events to every page, and wait until the sockets have room again."""
        asyncio.run_coroutine_threadsafe(self._send(events), self._loop).result()

    async def _send(self, events: Sequence[Emotion]) -> None:
        for first in range(0, len(events), _BATCH):
            for event in events[first : first + _BATCH]:
                self._server.send(Message.of(event))
            await self._server.drained()


@contextlib.contextmanager
def page_server() -> Iterator[PageServer]:
    """Run a server on a free port, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(_serve(), loop).result()
    try:
        yield PageServer(server, loop)
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _serve() -> WebSocketServer:
    pages = Pages(lambda: {}, lambda: [])
    server = WebSocketServer(_HOST, 0, lambda: [_HELLO], pages, Access(_HOST))
    await server.serve()
    return server


def speech(index: int, label: str, share: float, level_dbfs: float) -> Emotion:
    """Return the event that ends ``index + 1`` strides after the beginning of the stream.

    The label has this share of the scores. The other labels divide the rest unevenly.
    """
    end = (index + 1) * STRIDE_SECONDS
    weights = {name: 1.0 + number for number, name in enumerate(LABELS) if name != label}
    rest = (1 - share) / sum(weights.values())
    scores = {name: weights[name] * rest if name in weights else share for name in LABELS}
    return Emotion(
        seq=index,
        stream=STREAM,
        start=max(0.0, end - 3.0),
        end=end,
        time=_EPOCH + end,
        state="speech",
        label=label,
        confidence=share,
        scores=scores,
        raw=scores,
        speech_ratio=0.92,
        level_dbfs=level_dbfs,
        age_ms=14.2,
        dropped_samples=0,
    )
