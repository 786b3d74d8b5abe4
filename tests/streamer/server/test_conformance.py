"""The protocol itself, by the cases of the Autobahn test suite, against an echo of our server."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from emotiond.streamer.server.access import Access
from emotiond.streamer.server.admission import PATH
from emotiond.streamer.server.http import Pages
from emotiond.streamer.server.limits import Limits
from emotiond.streamer.server.websocket_server import WebSocketServer

kosoku = pytest.importorskip("kosoku", reason="needs kosoku, which this platform has no wheel of")

LIMITS = replace(Limits(), frames_per_second=1e6, frames_at_once=1_000_000, fragments=1_000_000)
EXCLUDED = [
    "7.1.5",  # wants 1000 for a close amid a message; websockets calls it an error, 1002
    "9.*",  # messages of megabytes, which are refused here
    "12.*",  # compression, which is not offered
    "13.*",
]


class Echo(WebSocketServer):
    """The cases want their messages back, which the daemon has no use for."""

    async def _serve_client(self, client: ServerConnection) -> None:
        try:
            async for message in client:
                await client.send(message)
        except ConnectionClosed:
            pass


def test_frames_fragments_text_and_closing_are_as_the_standard_has_them() -> None:
    async def test() -> None:
        pages = Pages(lambda: {}, lambda: [])
        server = Echo("127.0.0.1", 0, lambda: [], pages, Access("127.0.0.1"), LIMITS)
        try:
            await server.serve()
            results = await kosoku.run_fuzzingclient(
                f"ws://127.0.0.1:{server.port}{PATH}",
                exclude_cases=EXCLUDED,
                concurrency=4,
            )
            assert len(results) > 200
        finally:
            await server.close()

    asyncio.run(asyncio.wait_for(test(), 100))
