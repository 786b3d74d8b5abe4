"""What burdens a daemon: ``python -m benchmarks.support.loads NAME WEBSOCKET_URL ZEROMQ_ENDPOINT``.

Prints a line once the load is there. It ends after two minutes at the latest, and sends no more
than what the daemon's own limits are meant for.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

import zmq
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.support.demo import demo
from benchmarks.support.many_clients import ManyClients
from emotiond.inference.card import SAMPLE_RATE

_LONGEST_SECONDS = 120.0
_NON_READERS = 400
_HALF_OPEN = 600
_UPLOADS = 4
_UPLOAD_SECONDS = 25 * 60.0  # of sound, below the limit of a file
_CHUNK_BYTES = 64_000  # just below the limit of a message
# Together a little more than the daemon allows one subscriber (docs/security.md).
_SUBSCRIPTIONS, _TOPIC_BYTES, _SUBSCRIBING_SECONDS = 2_000, 16, 1.0
_MOST_SUBSCRIBERS = 60


async def _non_readers(websocket_url: str, _: str, is_there: Callable[[], None]) -> None:
    """Let clients connect that never read."""
    clients = ManyClients(websocket_url)
    await clients.connect(_NON_READERS, stalled=True)
    is_there()
    await asyncio.sleep(_LONGEST_SECONDS)


async def _half_open(_: str, zeromq_endpoint: str, is_there: Callable[[], None]) -> None:
    """Keep connections that send no greeting. The daemon lets some wait, and closes the others."""
    address = urlsplit(zeromq_endpoint)

    async def hold() -> None:
        while True:
            with contextlib.suppress(OSError):  # it has waited for too long, or is closed
                reader, writer = await asyncio.open_connection(address.hostname, address.port)
                with contextlib.closing(writer):
                    await reader.read()

    held = asyncio.gather(*(hold() for _ in range(_HALF_OPEN)))
    await asyncio.sleep(0)  # they begin
    is_there()
    await held


async def _uploads(websocket_url: str, _: str, is_there: Callable[[], None]) -> None:
    """Send files as fast as the daemon takes them, one after the other."""
    sound = (32_767 * demo()).astype("<i2").tobytes()
    chunks = [sound[first : first + _CHUNK_BYTES] for first in range(0, len(sound), _CHUNK_BYTES)]
    repeats = int(_UPLOAD_SECONDS * SAMPLE_RATE / demo().shape[0])
    start = {"type": "start", "purpose": "file", "sample_rate": SAMPLE_RATE, "format": "s16le"}
    started = 0

    async def send(client: ClientConnection) -> None:
        for _ in range(repeats):
            for chunk in chunks:
                await client.send(chunk)
        await client.send('{"type":"end"}')

    async def upload() -> None:
        nonlocal started
        async with connect(websocket_url, compression=None, max_size=None) as client:
            while True:
                await client.send(json.dumps(start))
                sending = asyncio.create_task(send(client))
                async for text in client:
                    type_ = json.loads(text)["type"]
                    if type_ == "started":
                        started += 1
                        if started == _UPLOADS:
                            is_there()
                    if type_ == "analysis":
                        break
                await sending

    await asyncio.gather(*(upload() for _ in range(_UPLOADS)))


async def _subscribing(_: str, zeromq_endpoint: str, is_there: Callable[[], None]) -> None:
    """Let one subscriber after the other subscribe to a few more topics than one may have."""
    for number in range(_MOST_SUBSCRIBERS):
        with zmq.Context() as context, context.socket(zmq.SUB) as subscriber:
            subscriber.setsockopt(zmq.LINGER, 0)
            subscriber.setsockopt(zmq.RECONNECT_IVL, -1)  # whoever is disconnected stays so
            subscriber.connect(zeromq_endpoint)
            if number == 0:
                is_there()
            for topic in range(_SUBSCRIPTIONS):
                subscriber.subscribe(f"{topic:0{_TOPIC_BYTES}}")
                if topic % 20 == 0:
                    await asyncio.sleep(20 * _SUBSCRIBING_SECONDS / _SUBSCRIPTIONS)


LOADS: Mapping[str, Callable[[str, str, Callable[[], None]], Awaitable[None]]] = {
    f"{_NON_READERS} clients that never read": _non_readers,
    f"{_HALF_OPEN} half-open ZeroMQ connections": _half_open,
    f"{_UPLOADS} uploads at full speed": _uploads,
    "a subscriber that floods": _subscribing,
}


def main() -> None:
    """Run until killed, or for two minutes."""
    name, websocket_url, zeromq_endpoint = sys.argv[1:]

    async def run() -> None:
        load = LOADS[name](websocket_url, zeromq_endpoint, lambda: print("there", flush=True))
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(load, _LONGEST_SECONDS)

    asyncio.run(run())


if __name__ == "__main__":
    main()
