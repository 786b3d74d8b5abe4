"""Clients that exceed the limits, over real sockets: the other clients miss nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from emotiond.streamer.hub import Message
from emotiond.streamer.protocol.requests import Audio, Forget, Start
from emotiond.streamer.server.connection import Connection
from tests.support.port import (
    EMOTION,
    EVENT,
    HANDSHAKE,
    LIMITS,
    Port,
    closing_code,
    everything,
    frame,
    port,
    run,
    until,
)


def test_one_connection_too_many_gets_503_and_the_others_miss_nothing() -> None:
    async def test() -> None:
        async with port() as at, connect(at.url) as listener:
            await listener.recv()
            idle = [await at.raw() for _ in range(LIMITS.connections - 1)]
            await until(lambda: at.server.occupancy.count == LIMITS.connections)
            answers = await asyncio.gather(*[everything(await at.raw()) for _ in range(300)])
            assert all(answer.startswith(b"HTTP/1.1 503 ") for answer in answers)
            assert at.server.occupancy.refused == 300
            at.server.send(EVENT)
            assert await listener.recv() == EVENT.text
            for client in idle:
                client.close()
            await until(lambda: at.server.occupancy.count == 1)  # there is room again
            async with connect(at.url) as late:
                assert await late.recv() == '{"type":"hello"}'

    run(test)


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: "])
def test_a_request_that_does_not_end_is_hung_up_on(sent: bytes) -> None:
    async def test() -> None:
        async with port(replace(LIMITS, handshake_seconds=0.5)) as at:
            client = await at.raw()
            await asyncio.get_running_loop().sock_sendall(client, sent)
            assert await everything(client) == b""
            await until(lambda: at.server.occupancy.count == 0)

    run(test)


def test_a_request_sent_byte_by_byte_has_the_same_time_limit() -> None:
    async def drip(client: socket.socket) -> None:
        with contextlib.suppress(ConnectionError):
            for byte in HANDSHAKE * 100:
                await asyncio.get_running_loop().sock_sendall(client, bytes([byte]))
                await asyncio.sleep(0.05)

    async def test() -> None:
        async with port(replace(LIMITS, handshake_seconds=0.5)) as at:
            client = await at.raw()
            dripping = asyncio.ensure_future(drip(client))
            assert await everything(client) == b""
            dripping.cancel()

    run(test)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(b"X: " + b"a" * 20_000, id="one", marks=pytest.mark.websockets_17),
        pytest.param(b"X: a\r\n" * 5_000, id="many", marks=pytest.mark.websockets_17),
        pytest.param((b"X: " + b"a" * 8_000 + b"\r\n") * 3, id="a few"),
    ],
)
def test_large_headers_get_431(headers: bytes) -> None:
    async def test() -> None:
        async with port() as at:
            client = await at.raw()
            with contextlib.suppress(ConnectionError):
                await asyncio.get_running_loop().sock_sendall(
                    client, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers
                )
            assert (await everything(client)).startswith(b"HTTP/1.1 431 ")
            await until(lambda: at.server.offences["request"] == 1)

    run(test)


def test_a_client_with_too_many_unread_bytes_is_dropped() -> None:
    async def test() -> None:
        async with port() as at, connect(at.url) as listener:
            client = await at.raw(receive_bytes=4096)
            await asyncio.get_running_loop().sock_sendall(client, HANDSHAKE)
            await until(lambda: at.server.client_count == 2)
            sent = 0
            while at.server.dropped_clients == 0:
                at.server.send(EVENT)
                sent += 1
                await listener.recv()
            assert sent * len(EVENT.text) < 1_000_000
            client.close()

    run(test)


def test_a_client_that_reads_a_byte_now_and_then_is_dropped_in_time() -> None:
    async def sip(client: socket.socket) -> None:
        with contextlib.suppress(ConnectionError):
            while await asyncio.get_running_loop().sock_recv(client, 1):
                await asyncio.sleep(0.05)

    async def test() -> None:
        async with port(replace(LIMITS, unread_bytes=10**9, unread_seconds=1)) as at:
            client = await at.raw(receive_bytes=4096)
            await asyncio.get_running_loop().sock_sendall(client, HANDSHAKE)
            await until(lambda: at.server.client_count == 1)
            sipping = asyncio.ensure_future(sip(client))
            for _ in range(100):
                at.server.send(EVENT)
            await until(lambda: at.server.dropped_clients == 1)
            await until(lambda: at.server.occupancy.count == 0)
            sipping.cancel()
            client.close()

    run(test)


def test_who_has_answered_a_ping_comes_first_then_who_has_come_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[Connection] = []
    send_frame = Connection.send_frame

    def note(connection: Connection, content: bytes) -> None:
        sent.append(connection)
        send_frame(connection, content)

    monkeypatch.setattr(Connection, "send_frame", note)

    def order(at: Port) -> list[Connection]:
        sent.clear()
        at.server.send(Message(EMOTION, "{}"))  # so small that nobody has to read it
        return [*sent]

    async def test() -> None:
        soon = replace(LIMITS, unread_seconds=1)  # they change places when the server looks at them
        async with port(soon) as at, contextlib.AsyncExitStack() as stack:
            clients = []
            for _ in range(6):
                clients.append(await stack.enter_async_context(connect(at.url)))
                await clients[-1].recv()
                await until(lambda: at.server.client_count == len(clients))
            before = order(at)
            assert [each.remote_address for each in before] == [
                each.local_address for each in clients
            ]
            await (await before[4].ping())
            await until(lambda: order(at)[0] is before[4])
            assert order(at) == [before[4], *before[:4], before[5]]

    run(test)


def test_a_client_that_reads_a_large_message_slowly_but_steadily_stays() -> None:
    async def read(client: socket.socket) -> int:
        loop, received = asyncio.get_running_loop(), 0
        while received < 230_000 and (piece := await loop.sock_recv(client, 2048)):
            received += len(piece)
            await asyncio.sleep(0.03)
        return received

    async def test() -> None:
        limits = replace(
            LIMITS, unread_bytes=256 * 1024, unread_seconds=0.5, unread_bytes_per_second=16 * 1024
        )  # fmt: skip
        large = replace(EVENT, text='"' + "x" * 230_000 + '"', publisher="a client")
        async with port(limits) as at:
            client = await at.raw(receive_bytes=4096)
            await asyncio.get_running_loop().sock_sendall(client, HANDSHAKE)
            await until(lambda: at.server.client_count == 1)
            at.server.send(large)  # takes 3 s
            assert await read(client) >= 230_000
            assert at.server.offences["unread"] == 0
            client.close()

    run(test)


def test_a_list_beyond_the_limit_is_read_in_peace() -> None:
    async def test() -> None:
        large = replace(EVENT, text='"' + "x" * 1_000_000 + '"')
        async with port() as at, connect(at.url, max_size=None) as listener:
            client = await at.raw(receive_bytes=4096)
            await asyncio.get_running_loop().sock_sendall(client, HANDSHAKE)
            await until(lambda: at.server.client_count == 2)
            at.server.send(large)
            for _ in range(10):  # what comes behind it does not cost the connection
                at.server.send(EVENT)
            assert at.server.offences["unread"] == 0
            for _ in range(2 * LIMITS.unread_bytes // len(EVENT.text)):  # but too much of it does
                at.server.send(EVENT)
                await listener.recv()
            assert at.server.offences["unread"] == 1
            client.close()

    run(test)


def test_what_others_cause_waits_while_much_is_unread() -> None:
    """Both together would be more than a client may leave unread, and cost it its connection."""

    async def test() -> None:
        async with port(replace(LIMITS, unread_bytes=256 * 1024)) as at:
            client = await at.raw(receive_bytes=4096)
            await asyncio.get_running_loop().sock_sendall(client, HANDSHAKE)
            await until(lambda: at.server.client_count == 1)
            for _ in range(75):  # half of it in the kernel
                at.server.send(EVENT)
            at.server.send(replace(EVENT, text='"' + "x" * 230_000 + '"', publisher="a client"))
            at.server.send(EVENT)
            assert at.server.offences["unread"] == 0
            client.close()

    run(test)


def test_a_client_that_answers_no_ping_is_sent_away() -> None:
    async def test() -> None:
        async with port(replace(LIMITS, ping_seconds=0.5)) as at:
            client = await at.raw()
            await asyncio.get_running_loop().sock_sendall(client, HANDSHAKE)
            assert b"101 Switching" in await everything(client)
            await until(lambda: at.server.occupancy.count == 0)
            await until(lambda: at.server.offences["ping"] == 1)

    run(test)


def test_a_client_that_sends_too_often_is_sent_away() -> None:
    async def test() -> None:
        async with port() as at, connect(at.url) as client:
            with contextlib.suppress(ConnectionClosed):
                for _ in range(LIMITS.frames_at_once * 2):
                    await client.send('{"type":"auth","token":""}')
            assert await closing_code(client) == 1008
            assert at.server.offences["rate"] == 1

    run(test)


def test_a_message_in_too_many_pieces_is_refused() -> None:
    async def pieces() -> AsyncIterator[str]:
        for _ in range(LIMITS.fragments + 10):
            yield ""

    async def test() -> None:
        async with port() as at, connect(at.url) as client:
            with contextlib.suppress(ConnectionClosed):
                await client.send(pieces())
            assert await closing_code(client) == 1008

    run(test)


@pytest.mark.parametrize(
    "flood", [frame(9, b"x" * 100), frame(9, b""), frame(1, b""), frame(10, b"")]
)
def test_a_flood_is_cut_off_after_a_few_kilobytes(flood: bytes) -> None:
    async def test() -> None:
        async with port() as at:
            client = await at.raw(receive_bytes=4096)
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(client, HANDSHAKE)
            with pytest.raises(ConnectionError):
                while True:
                    await loop.sock_sendall(client, flood * 100)
            await until(lambda: at.server.occupancy.count == 0)
            client.close()

    run(test)


def test_a_client_sent_away_that_does_not_go_is_cut_off() -> None:
    async def test() -> None:
        async with port() as at:
            client = await at.raw()
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(client, HANDSHAKE)
            await until(lambda: at.server.client_count == 1)
            await loop.sock_sendall(client, struct.pack("!BBQ4x", 0x82, 0xFF, 2**40))
            await until(lambda: at.server.occupancy.count == 0)
            await until(lambda: at.server.offences["size"] == 1)
            client.close()

    run(test)


def test_a_client_that_never_sends_its_token_is_disconnected() -> None:
    async def test() -> None:
        limits = replace(LIMITS, token_seconds=0.5)
        async with port(limits, token="x" * 16) as at, connect(at.url) as client:
            assert await closing_code(client) == 4401
            assert at.server.offences["token"] == 1
            assert at.server.client_count == 0

    run(test)


def test_clients_that_vanish_in_the_middle_of_anything_leave_nothing_behind() -> None:
    async def test() -> None:
        async with port() as at:
            reset: Any = struct.pack("ii", 1, 0)
            for length in range(0, len(HANDSHAKE) + 1, 7):
                client = await at.raw()
                await asyncio.get_running_loop().sock_sendall(client, HANDSHAKE[:length])
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                client.close()
            await until(lambda: at.server.occupancy.count == 0)
            assert at.server.client_count == 0

    run(test)


def test_what_is_sent_to_a_lost_connection_leaves_no_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test() -> None:
        async with port() as at:
            client = await at.raw()
            await asyncio.get_running_loop().sock_sendall(client, HANDSHAKE)
            await until(lambda: at.server.client_count == 1)
            reset: Any = struct.pack("ii", 1, 0)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            client.close()
            for _ in range(20):  # before the loop can notice
                at.server.send(EVENT)
            await until(lambda: at.server.client_count == 0)

    run(test)
    assert caplog.messages == []


@pytest.mark.parametrize(("paced", "is_served"), [(True, True), (False, False)])
def test_large_chunks_bypass_the_rate_limit_only_while_the_audio_is_paced(
    paced: bool, is_served: bool
) -> None:
    limits = replace(LIMITS, frames_at_once=5, frames_per_second=0.001, senseless_messages=10**6)

    async def start(client: Connection, request: Start) -> None:
        client.pace_audio(paced)

    async def take(client: Connection, audio: Audio) -> None:
        client.send_json({"bytes": len(audio.data)})

    async def test() -> None:
        async with port(limits, handlers={Start: start, Audio: take}) as at, connect(at.url) as c:
            await c.recv()
            await c.send('{"type":"start","purpose":"file","sample_rate":16000,"format":"s16le"}')
            with contextlib.suppress(ConnectionClosed):
                for _ in range(20):
                    await c.send(bytes(limits.uncounted_bytes))
            if is_served:
                assert [await c.recv() for _ in range(20)] == ['{"bytes":4096}'] * 20
            else:
                assert await closing_code(c) == 1008

    run(test)


@pytest.mark.parametrize("publisher", [None, "a client"])
def test_what_a_client_publishes_costs_no_slow_listener_its_connection(
    publisher: str | None,
) -> None:
    """The same flood drops a slow listener if it is the daemon's own, which must not be missed."""
    flood = replace(EVENT, publisher=publisher)
    limits = replace(LIMITS, unread_seconds=1, frames_per_second=5)

    def live(number: int) -> Message:
        return Message(EMOTION, f'{{"live":{number}}}')

    async def read(client: ClientConnection, pause_seconds: float, numbers: list[int]) -> int:
        """Return how much of the flood came."""
        floods = 0
        with contextlib.suppress(ConnectionClosed):
            async for text in client:
                if '"live"' in str(text):
                    numbers.append(json.loads(text)["live"])
                    if numbers[-1] == 50:
                        return floods
                floods += '"filler"' in str(text)
                await asyncio.sleep(pause_seconds)
        return floods

    async def test() -> None:
        async with port(limits) as at:
            slow_socket = await at.raw(receive_bytes=4096)
            async with (
                connect(at.url, sock=slow_socket, max_queue=1, ping_interval=None) as slow,
                connect(at.url, ping_interval=None) as fast,
            ):
                numbers: dict[str, list[int]] = {"slow": [], "fast": []}
                reading = asyncio.gather(
                    read(slow, 0.02, numbers["slow"]), read(fast, 0, numbers["fast"])
                )
                await until(lambda: at.server.client_count == 2)
                for number in range(51):  # for longer than a listener may leave anything unread
                    for _ in range(20):
                        at.server.send(flood)
                        await asyncio.sleep(0.002)
                    at.server.send(live(number))
                got_slow, got_fast = await reading
                assert numbers["fast"] == [*range(51)]
                if publisher is None:
                    assert at.server.offences["unread"] == 1
                else:
                    assert numbers["slow"] == [*range(51)]
                    assert 0 < got_slow < got_fast
                    assert at.server.offences.total() == 0

    run(test)


@pytest.mark.parametrize("in_pieces", [False, True])
def test_text_never_bypasses_the_rate_limit(in_pieces: bool) -> None:
    limits = replace(LIMITS, frames_at_once=10, frames_per_second=0.001)
    large = json.dumps({"type": "forget", "ids": [*range(2000)]})

    async def start(client: Connection, request: Start) -> None:
        client.pace_audio(True)

    async def ignore(client: Connection, request: object) -> None:
        pass

    async def test() -> None:
        handlers = {Start: start, Audio: ignore, Forget: ignore}
        async with port(limits, handlers=handlers) as at, connect(at.url) as client:
            await client.send(
                '{"type":"start","purpose":"file","sample_rate":16000,"format":"s16le"}'
            )
            with contextlib.suppress(ConnectionClosed):
                for _ in range(10):
                    await client.send(bytes(limits.uncounted_bytes))
                    await client.send([large[:5000], large[5000:]] if in_pieces else large)
            assert await closing_code(client) == 1008
            assert at.server.offences["rate"] == 1

    run(test)
