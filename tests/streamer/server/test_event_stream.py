"""Server-sent events: what a client gets, who gets nothing, and what a bad one costs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.asyncio.client import connect

from emotiond.streamer.hub import Message
from emotiond.streamer.server.event_stream import encode
from emotiond.streamer.server.limits import Limits
from tests.support.port import EMOTION, EVENT, LIMITS, Port, everything, port, run, until

TOKEN = "correct horse battery"  # noqa: S105
GREETING = b'event: hello\ndata: {"type":"hello"}\n\n'


def request(method: str = "GET", version: str = "1.1", **headers: str) -> bytes:
    fields = {"Host": "127.0.0.1", **{name.replace("_", "-"): v for name, v in headers.items()}}
    lines = [f"{method} /events HTTP/{version}", *(f"{n}: {v}" for n, v in fields.items()), "", ""]
    return "\r\n".join(lines).encode()


async def asking(at: Port, content: bytes, receive_bytes: int | None = None) -> socket.socket:
    client = await at.raw(receive_bytes)
    await asyncio.get_running_loop().sock_sendall(client, content)
    return client


async def received(client: socket.socket, end: bytes) -> bytes:
    """Receive up to an end."""
    content = b""
    while not content.endswith(end):
        piece = await asyncio.get_running_loop().sock_recv(client, 65_536)
        assert piece, content
        content += piece
    return content


async def answer(at: Port, content: bytes) -> tuple[int, Mapping[str, str], bytes]:
    """The whole answer of a connection that ends."""
    head, _, body = (await everything(await asking(at, content))).partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    pairs = (field.partition(": ") for field in fields)
    return int(line.split(" ")[1]), {name.lower(): value for name, _, value in pairs}, body


@pytest.mark.parametrize("version", ["1.1", pytest.param("1.0", marks=pytest.mark.websockets_17)])
def test_hello_comes_first_then_each_event_with_its_id(version: str) -> None:
    async def test() -> None:
        async with port() as at:
            with await asking(at, request(version=version)) as client:
                head, _, rest = (await received(client, GREETING)).partition(b"\r\n\r\n")
                assert rest == GREETING
                fields = head.decode().split("\r\n")
                assert fields[0] == "HTTP/1.1 200 OK"
                assert {
                    "Content-Type: text/event-stream", "Cache-Control: no-store",
                    "X-Accel-Buffering: no", "Connection: close",
                } <= {*fields}  # fmt: skip
                assert "Content-Length" not in head.decode()
                at.server.send(Message.of(EMOTION))
                text = Message.of(EMOTION).text.encode()
                event = b"event: emotion\ndata: " + text + b"\nid: voice:0\n\n"
                assert await received(client, b"\n\n") == event
                assert at.server.event_streams.count == 1
                assert at.server.client_count == 0
            await until(lambda: at.server.event_streams.count == at.server.occupancy.count == 0)

    run(test)


@pytest.mark.websockets_17
def test_head_gets_the_headers_alone() -> None:
    async def test() -> None:
        async with port() as at:
            status, fields, body = await answer(at, request("HEAD"))
            assert (status, fields["content-type"], body) == (200, "text/event-stream", b"")

    run(test)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_get_405(method: str) -> None:
    async def test() -> None:
        async with port() as at:
            assert (await answer(at, request(method)))[0] == 405

    run(test)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "same-origin"}, 401),
        ({"Origin": "http://127.0.0.1"}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
    ],
)
def test_who_may_not_listen_gets_no_event(headers: Mapping[str, str], status: int) -> None:
    async def test() -> None:
        async with port(token=TOKEN) as at:
            found, fields, body = await answer(at, request(**headers))
            assert found == status
            assert b"event:" not in body
            assert ("www-authenticate" in fields) == (status == 401)

    run(test)


def test_the_token_is_taken_from_its_header_alone_and_never_from_an_address() -> None:
    async def test() -> None:
        async with port(token=TOKEN) as at:
            asked = request().replace(b"/events", f"/events?token={TOKEN[:7]}".encode())
            assert (await answer(at, asked))[0] == 401
            with await asking(at, request(Authorization=f"Bearer {TOKEN}")) as client:
                await received(client, GREETING)

    run(test)


def test_what_was_had_before_is_not_sent_again() -> None:
    async def test() -> None:
        async with port() as at:
            with await asking(at, request(Last_Event_ID="voice:0")) as client:
                assert (await received(client, GREETING)).endswith(b"\r\n\r\n" + GREETING)

    run(test)


def test_a_comment_comes_now_and_then_and_keeps_the_connection() -> None:
    async def test() -> None:
        async with port(replace(LIMITS, ping_seconds=0.05)) as at:
            with await asking(at, request()) as client:
                await received(client, GREETING + b":\n\n:\n\n")

    run(test)


@pytest.mark.parametrize("limits", [LIMITS, replace(LIMITS, unread_seconds=1)])
def test_a_client_that_does_not_read_is_dropped_and_the_others_miss_nothing(limits: Limits) -> None:
    async def test() -> None:
        async with port(limits) as at, connect(at.url) as listener:
            await listener.recv()
            with await asking(at, request(), receive_bytes=4096):
                await until(lambda: at.server.event_streams.count == 1)
                sent = 0
                while at.server.event_streams.count and sent < 300:
                    at.server.send(EVENT)
                    sent += 1
                    assert await listener.recv() == EVENT.text
                await until(lambda: at.server.dropped_clients == 1)
            await until(lambda: at.server.occupancy.count == 1)

    run(test)


def test_what_another_client_publishes_costs_a_slow_one_no_connection() -> None:
    async def test() -> None:
        async with port() as at:
            with await asking(at, request(), receive_bytes=4096) as client:
                await until(lambda: at.server.event_streams.count == 1)
                for _ in range(1000):
                    at.server.send(replace(EVENT, publisher=object()))
                assert at.server.dropped_clients == 0
                own = Message.of(replace(EMOTION, seq=7))
                at.server.send(own)
                await received(client, b"\nid: voice:7\n\n")

    run(test)


def test_one_that_sends_without_end_is_disconnected() -> None:
    async def test() -> None:
        async with port() as at:
            with await asking(at, request() + b"GET / HTTP/1.1\r\n\r\n") as client:
                await received(client, GREETING)
                with contextlib.suppress(ConnectionError):
                    await asyncio.get_running_loop().sock_sendall(client, b"x" * 10**6)
            await until(lambda: at.server.offences["size"] == 1)
            await until(lambda: at.server.event_streams.count == 0)

    run(test)


def test_they_count_among_the_connections() -> None:
    async def test() -> None:
        async with port(replace(LIMITS, connections=3)) as at:
            clients = [await asking(at, request()) for _ in range(3)]
            for client in clients:
                await received(client, GREETING)
            assert (await answer(at, request()))[0] == 503
            for client in clients:
                client.close()

    run(test)


def test_the_end_of_the_server_ends_them_also_those_that_do_not_read() -> None:
    async def test() -> None:
        async with port() as at:
            reading = await asking(at, request())
            stuck = await asking(at, request(), receive_bytes=4096)
            await until(lambda: at.server.event_streams.count == 2)
            for _ in range(50):
                at.server.send(EVENT)
        assert (await everything(reading)).endswith(b"\nid: voice:0\n\n")
        stuck.close()
        assert at.server.occupancy.count == 0

    run(test)


@given(st.text())
@example("a\nevent: x\n\n")
@example("a\r\0\udcff:ü")
def test_no_name_of_a_stream_breaks_an_event(name: str) -> None:
    text = json.dumps({"stream": name})
    event = encode("status", name, 3, text).decode()
    first, data, number, *rest = event.split("\n")
    assert (first, data, rest) == ("event: status", f"data: {text}", ["", ""])
    assert number.startswith("id: ")
    assert number.endswith(":3")
    assert number.isprintable()
