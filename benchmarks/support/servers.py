"""Other WebSocket servers: ``python -m benchmarks.support.servers NAME``.

Each prints its URL and sends an event to all clients 4 times a second.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web
from picows import WSListener, WSMsgType, WSTransport, ws_create_server
from websockets.asyncio.server import ServerConnection, broadcast, serve

from emotiond.inference.card import LABELS

PERIOD_SECONDS = 0.25
_HOST = "127.0.0.1"


def _event() -> str:
    """Return an event as long as one of the daemon."""
    scores = dict.fromkeys(LABELS, 0.1234)
    event = {"type": "emotion", "seq": 41, "stream": "voice", "start": 7.25, "end": 10.25}
    event |= {"time": round(time.time(), 4), "state": "speech", "label": "happy"}
    event |= {"confidence": 0.8123, "scores": scores, "raw": scores, "speech_ratio": 0.9234}
    event |= {"level_dbfs": -23.4567, "age_ms": 0.0, "dropped_samples": 0}
    return json.dumps(event, separators=(",", ":"))


async def _send_forever(port: int, send: Callable[[str], Any]) -> None:
    print(f"ws://{_HOST}:{port}/ws", flush=True)
    due = time.monotonic()
    while True:
        due += PERIOD_SECONDS  # a fixed rate, as the daemon has it, whatever the sending takes
        await asyncio.sleep(due - time.monotonic())
        sending = send(_event())
        if sending is not None:
            await sending


async def _websockets() -> None:
    clients: set[ServerConnection] = set()

    async def attend(client: ServerConnection) -> None:
        clients.add(client)
        await client.wait_closed()
        clients.discard(client)

    async with serve(attend, _HOST, 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        await _send_forever(port, lambda text: broadcast(clients, text))


async def _aiohttp() -> None:
    clients: set[web.WebSocketResponse] = set()

    async def attend(request: web.Request) -> web.WebSocketResponse:
        client = web.WebSocketResponse(compress=False)
        await client.prepare(request)
        clients.add(client)
        async for _ in client:
            pass
        clients.discard(client)
        return client

    async def send(text: str) -> None:
        for client in tuple(clients):
            await client.send_str(text)

    application = web.Application()
    application.router.add_get("/ws", attend)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, _HOST, 0)
    await site.start()
    await _send_forever(runner.addresses[0][1], send)


async def _picows() -> None:
    clients: set[WSTransport] = set()

    class Listener(WSListener):  # type: ignore[misc]
        def on_ws_connected(self, transport: WSTransport) -> None:
            clients.add(transport)

        def on_ws_disconnected(self, transport: WSTransport) -> None:
            clients.discard(transport)

    def send(text: str) -> None:
        content = text.encode()
        for client in clients:
            client.send(WSMsgType.TEXT, content)

    server = await ws_create_server(lambda _: Listener(), _HOST, 0)
    await _send_forever(server.sockets[0].getsockname()[1], send)


SERVERS = {"websockets broadcast": _websockets, "aiohttp": _aiohttp, "picows": _picows}

if __name__ == "__main__":
    asyncio.run(SERVERS[sys.argv[1]]())
