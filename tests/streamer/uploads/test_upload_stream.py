"""Uploads that exceed the limits or break off: the daemon keeps nothing of them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import socket
import struct
import time
import weakref
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from emotiond.inference.model import read_model
from emotiond.inference.runtime import find_runtime
from emotiond.streamer import hub
from emotiond.streamer.hub import Hub
from emotiond.streamer.protocol import events
from emotiond.streamer.protocol.requests import Start
from emotiond.streamer.server import forwarding
from emotiond.streamer.server.access import Access
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.server.http import Pages
from emotiond.streamer.server.limits import Limits
from emotiond.streamer.server.websocket_server import WebSocketServer
from emotiond.streamer.streams.pipeline import Pipeline
from emotiond.streamer.streams.stream import Stream
from emotiond.streamer.streams.workers import Worker
from emotiond.streamer.uploads.history import History
from emotiond.streamer.uploads.upload_stream import IdleTimer
from emotiond.streamer.uploads.uploads import START_PAUSE_SECONDS, Uploads
from tests.conftest import DATA
from tests.support.caller import pcm
from tests.support.port import LIMITS, closing_code, port, run, until
from tests.support.schema import check
from tests.support.signals import demo

START = '{"type":"start","purpose":"file","sample_rate":16000,"format":"s16le"}'
LIVE = '{"type":"start","purpose":"live","sample_rate":16000,"format":"s16le"}'
SECOND = pcm(demo()[16_000:32_000])
RESET = struct.pack("ii", 1, 0)
RESOLUTION_SECONDS = time.get_clock_info("monotonic").resolution


@dataclass
class Place:
    """A server in this process that takes uploads."""

    url: str
    server: WebSocketServer
    uploads: Uploads
    adopted: list[weakref.ref[Stream]]


@contextlib.asynccontextmanager
async def place(limits: Limits = LIMITS, model: str = "tiny") -> AsyncIterator[Place]:
    carrier, history = Hub(asyncio.get_running_loop()), History(None)
    worker = Worker(read_model(DATA / f"{model}.tflite"), find_runtime())
    adopted: list[weakref.ref[Stream]] = []

    def adopt(stream: Stream) -> None:
        adopted.append(weakref.ref(stream))
        worker.adopt(stream)

    streams = Uploads(adopt, carrier, history, 4000, limits, taken=())
    server = WebSocketServer(
        "127.0.0.1", 0, lambda: [], Pages(lambda: {}, lambda: []), Access("127.0.0.1"), limits,
        handlers=streams.handlers, on_leave=streams.leave,
    )  # fmt: skip
    try:
        carrier.add("WebSocket", server)
        await server.serve()
        yield Place(f"ws://127.0.0.1:{server.port}/ws", server, streams, adopted)
    finally:
        streams.close()
        await server.close()
        await asyncio.to_thread(worker.close, 5)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Turn the garbage collector off: what is freed is freed at once."""
    gc.disable()
    yield
    gc.enable()


async def answer(client: ClientConnection, kind: str) -> dict[str, Any]:
    async for text in client:
        message: dict[str, Any] = json.loads(text)
        check("daemon", message)
        if message["type"] == kind:
            return message
    raise AssertionError(f"no {kind} came")


def cut(client: ClientConnection) -> None:
    """Reset the connection, without a closing handshake."""
    raw = client.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    client.transport.abort()


@pytest.mark.parametrize("start", [START, LIVE])
@pytest.mark.parametrize("model", ["tiny", "slow"])
@pytest.mark.usefixtures("no_collector")
def test_a_socket_cut_in_mid_upload_frees_everything_at_once(start: str, model: str) -> None:
    async def test() -> None:
        async with place(model=model) as at, connect(at.url) as client:
            await client.send(start)
            for _ in range(8):
                await client.send(SECOND)
            await answer(client, "emotion")
            assert at.uploads.count == 1
            cut(client)
            await until(lambda: at.uploads.count == 0)
            (stream,) = at.adopted
            await until(lambda: stream() is None)

    run(test)


@pytest.mark.usefixtures("no_collector")
def test_a_stream_that_has_ended_leaves_nothing_behind() -> None:
    async def test() -> None:
        async with place() as at, connect(at.url) as client:
            for _ in range(3):
                await client.send(START)
                await client.send(SECOND)
                await client.send('{"type":"end"}')
                assert (await answer(client, "analysis"))["duration"] == 1.0
            await until(lambda: all(stream() is None for stream in at.adopted))
            assert len(at.adopted) == 3

    run(test)


def test_a_file_is_read_only_as_fast_as_it_is_analysed() -> None:
    async def send_on(client: ClientConnection) -> int:
        sent = 0
        with contextlib.suppress(asyncio.TimeoutError):
            while True:
                await asyncio.wait_for(client.send(SECOND), 0.5)
                sent += 1
        return sent

    async def test() -> None:
        own = socket.socket()
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32_000)
        async with place(model="slow") as at:
            own.connect(("127.0.0.1", int(at.url.rpartition(":")[2].partition("/")[0])))
            async with connect(at.url, sock=own, write_limit=1) as client:
                await client.send(START)
                seconds = await send_on(client)
                assert 10 <= seconds <= 30  # what fits into the ring, and into sockets
                cut(client)

    run(test)


def test_a_file_that_turns_out_too_long_ends_with_an_error() -> None:
    async def test() -> None:
        async with place(replace(LIMITS, file_seconds=3)) as at, connect(at.url) as client:
            await client.send(START)
            for _ in range(6):
                await client.send(SECOND)
            await client.send('{"type":"end"}')
            assert (await answer(client, "error"))["error"] == "too-long"
            assert (await answer(client, "status"))["status"] == "ended"
            await client.send(START)  # the rest of the first one is not mistaken for this one's
            for _ in range(3):
                await client.send(SECOND)
            await client.send('{"type":"end"}')
            assert (await answer(client, "analysis"))["duration"] == 3.0

    run(test)


def test_live_sound_may_last_longer_than_a_file() -> None:
    async def test() -> None:
        async with place(replace(LIMITS, file_seconds=1)) as at, connect(at.url) as client:
            await client.send(LIVE)
            for _ in range(3):
                await client.send(SECOND)
            await client.send('{"type":"end"}')
            while (status := await answer(client, "status"))["status"] != "ended":
                pass
            assert status["detail"] == ""

    run(test)


def test_an_idle_timer_calls_back_after_its_whole_time() -> None:
    async def test() -> None:
        loop, idle = asyncio.get_running_loop(), asyncio.Event()
        timer = IdleTimer(0.1, idle.set)
        restarted = loop.time()
        timer.restart()
        await idle.wait()
        assert loop.time() - restarted >= 0.1 - RESOLUTION_SECONDS

    run(test)


def test_a_stopped_idle_timer_calls_back_only_after_a_restart() -> None:
    async def test() -> None:
        idle, later = asyncio.Event(), asyncio.Event()
        timer = IdleTimer(0.05, idle.set)
        timer.stop()
        IdleTimer(0.1, later.set)
        await later.wait()
        assert not idle.is_set()
        timer.restart()
        await idle.wait()

    run(test)


def test_a_published_event_is_encoded_once_for_the_hub_and_the_history(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoded: list[tuple[str, int]] = []

    def count(message: dict[str, Any]) -> str:
        encoded.append((message["stream"], message["seq"]))
        return events.encode(message)

    async def test() -> None:
        async with place() as at, connect(at.url) as client:
            await client.send(START[:-1] + ',"publish":true}')
            await client.send(SECOND)
            await client.send('{"type":"end"}')
            await answer(client, "analysis")

    monkeypatch.setattr(hub, "encode", count)
    run(test)
    assert encoded == [("client-1", seq) for seq in range(len(encoded))]
    assert len(encoded) > 4


@pytest.mark.parametrize("start", [START, LIVE])
def test_a_stream_whose_client_has_forgotten_it_ends(start: str) -> None:
    async def test() -> None:
        async with place(replace(LIMITS, idle_seconds=0.2)) as at, connect(at.url) as client:
            await client.send(start)
            await client.send(SECOND)
            assert (await answer(client, "error"))["error"] == "idle"
            assert at.uploads.count == 0
            await client.send(start)
            assert (await answer(client, "started"))["stream"] == "client-2"

    run(test)


@pytest.mark.parametrize("start", [START, LIVE])
def test_messages_without_samples_keep_no_stream(start: str) -> None:
    async def test() -> None:
        async with place(replace(LIMITS, idle_seconds=0.4)) as at, connect(at.url) as client:
            await client.send(start)
            ended = asyncio.ensure_future(answer(client, "error"))
            while not ended.done():
                await client.send(b"")
                await asyncio.wait((ended,), timeout=0.1)
            assert ended.result()["error"] == "idle"
            assert at.uploads.count == 0

    run(test)


def test_streams_start_one_after_the_other_however_many_clients_start_and_cancel() -> None:
    async def start_and_cancel(at: Place) -> None:
        async with connect(at.url) as client:
            for _ in range(4):
                await client.send(LIVE)
                await client.send('{"type":"cancel"}')
                await answer(client, "started")

    async def test() -> None:
        async with place() as at:
            began = time.monotonic()
            await asyncio.gather(*(start_and_cancel(at) for _ in range(3)))
            assert len(at.adopted) == 12
            assert time.monotonic() - began > 11 * START_PAUSE_SECONDS - RESOLUTION_SECONDS

    run(test)


def test_a_client_that_leaves_before_its_turn_starts_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test() -> None:
        async with place() as at, connect(at.url) as first:
            monkeypatch.setattr("emotiond.streamer.uploads.uploads.START_PAUSE_SECONDS", 0.3)
            await first.send(LIVE)
            await answer(first, "started")
            async with connect(at.url) as second:
                await second.send(LIVE)
                await second.ping()  # what was sent has come
            async with connect(at.url) as third:
                await third.send(LIVE)
                await answer(third, "started")
            assert len(at.adopted) == 2

    run(test)


def test_one_address_has_half_of_the_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = iter(["192.168.1.66"] * 3 + ["192.168.1.7"] + [None] * 2)
    monkeypatch.setattr(forwarding, "client_address", lambda *_: next(addresses))

    async def started(client: ClientConnection) -> str:
        await client.send(LIVE)
        message = json.loads(await client.recv())
        return str(message.get("error", message["type"]))

    async def test() -> None:
        async with place() as at, contextlib.AsyncExitStack() as stack:
            said = []
            for _ in range(6):
                client = await stack.enter_async_context(connect(at.url))
                said.append(await started(client))
            refused = "too-many-streams"
            assert said == ["started", "started", refused, "started", "started", refused]

    run(test)


def test_a_client_with_the_token_counts_against_no_address() -> None:
    async def start(client: Connection, _: Start) -> None:
        client.send_json({"limited_as": client.limited_as})

    async def test() -> None:
        token = "correct horse battery"  # noqa: S105
        async with port(token=token, handlers={Start: start}) as at, connect(at.url) as client:
            await client.send(json.dumps({"type": "auth", "token": token}))
            await client.recv()
            await client.send(LIVE)
            assert await client.recv() == '{"limited_as":null}'

    run(test)


def test_audio_that_waits_for_analysis_is_not_idle() -> None:
    async def test() -> None:
        limits = replace(LIMITS, idle_seconds=0.3)
        async with place(limits, model="slow") as at, connect(at.url) as client:
            await client.send(START)
            await client.send(SECOND)
            await client.send('{"type":"end"}')
            assert (await answer(client, "analysis"))["duration"] == 1.0

    run(test)


def test_the_message_rate_of_file_chunks_is_unlimited() -> None:
    async def test() -> None:
        limits = replace(LIMITS, frames_at_once=10, frames_per_second=1)
        async with place(limits) as at, connect(at.url) as client:
            await client.send(START)
            for _ in range(50):
                await client.send(bytes(limits.uncounted_bytes))
            await client.send('{"type":"end"}')
            assert (await answer(client, "analysis"))["duration"] == 6.4

    run(test)


@pytest.mark.parametrize(("start", "size"), [(START, 16), (LIVE, 16), (LIVE, 8192)])
def test_other_chunks_that_come_too_often_close_the_connection(start: str, size: int) -> None:
    async def test() -> None:
        limits = replace(LIMITS, frames_at_once=10, frames_per_second=1)
        async with place(limits) as at, connect(at.url) as client:
            await client.send(start)
            for _ in range(20):
                await client.send(bytes(size))
            assert await closing_code(client) == 1008
            await until(lambda: at.uploads.count == 0)

    run(test)


def test_a_client_that_reads_no_events_is_dropped_with_its_stream() -> None:
    async def test() -> None:
        limits = replace(LIMITS, unread_bytes=8 * 1024, unread_seconds=0.5)
        async with place(limits) as at:
            own = socket.socket()
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            own.connect(("127.0.0.1", int(at.url.rpartition(":")[2].partition("/")[0])))
            async with connect(at.url, sock=own, max_queue=1) as client:
                await client.send(START)
                with contextlib.suppress(ConnectionClosed):
                    for _ in range(200):
                        await client.send(SECOND)
                await until(lambda: at.uploads.count == 0)
                assert at.server.dropped_clients == 1

    run(test)


def test_a_stream_that_the_daemon_cannot_go_on_with_ends_with_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("of a bug")

    async def test() -> None:
        async with place() as at, connect(at.url) as client:
            await client.send(START)
            await answer(client, "started")
            with monkeypatch.context() as patch:
                patch.setattr(Pipeline, "push", fail)
                await client.send(SECOND)
                error = await answer(client, "error")
            assert error["error"] == "failed"
            assert "of a bug" in error["detail"]
            assert at.uploads.count == 0
            await client.send(SECOND)  # it did not know yet
            await client.send('{"type":"end"}')
            await client.send(START)
            await client.send(SECOND)
            await client.send('{"type":"end"}')
            assert (await answer(client, "analysis"))["duration"] == 1.0

    run(test)
