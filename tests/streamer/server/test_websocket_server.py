"""WebSocket and plain HTTP on one port, mostly against a running daemon."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect as connect_here
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect

from emotiond.exceptions import ServeError
from emotiond.streamer.protocol.requests import AskRooms
from emotiond.streamer.server.access import Access
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.server.http import Pages
from emotiond.streamer.server.websocket_server import WebSocketServer
from tests.support.daemon import DEMO, Daemon, running_daemon
from tests.support.port import LIMITS, run

PAGE = Path(__file__).parents[3] / "clients" / "web"
PAGES = Pages(lambda: {"is_whole": True}, list)


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with running_daemon("--source", f"voice={DEMO}", "--model", "lite") as daemon:
        yield daemon


def receive(client: ClientConnection) -> dict[str, Any]:
    message = json.loads(client.recv(timeout=60))
    assert isinstance(message, dict)
    return message


def request(
    daemon: Daemon, method: str, path: str, headers: Sequence[tuple[str, str]] = ()
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
    connection.putrequest(method, path, skip_host=any(name == "Host" for name, _ in headers))
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    return response, response.read()


def test_events_follow_one_another_without_holes(daemon: Daemon) -> None:
    with connect(daemon.websocket_url) as client:
        receive(client)
        numbers = [receive(client)["seq"] for _ in range(6)]
    assert numbers == list(range(numbers[0], numbers[0] + 6))


@pytest.mark.parametrize(
    ("rubbish", "complaint"),
    [
        ("not JSON {", "not JSON"),
        ("[" * 10_000, "not JSON"),
        ("[]", "not an object"),
        ('{"type": 5}', "not an object with a type"),
        ('{"type": "dance"}', "no message of this type"),
        (b"\x00\xff", "binary"),
    ],
)
def test_rubbish_is_refused_and_the_socket_stays_open(
    daemon: Daemon, rubbish: str | bytes, complaint: str
) -> None:
    with connect(daemon.websocket_url) as client:
        client.send(rubbish)
        while (message := receive(client))["type"] != "error":
            pass
        assert complaint in message["detail"]
        assert receive(client)["type"] in ("emotion", "change", "status")


def test_a_client_that_sends_nothing_but_rubbish_is_sent_away(daemon: Daemon) -> None:
    with connect(daemon.websocket_url) as client:
        with pytest.raises(ConnectionClosed) as closed:
            for _ in range(1000):
                client.send("{}")
                receive(client)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


def test_a_message_too_large_closes_that_connection_alone(daemon: Daemon) -> None:
    with connect(daemon.websocket_url) as other, connect(daemon.websocket_url) as client:
        client.send("x" * 1_000_000)
        with pytest.raises(ConnectionClosed):
            for _ in range(1000):
                receive(client)
        assert receive(other)["type"] == "hello"


def test_bytes_that_are_no_http_do_not_disturb_the_others(daemon: Daemon) -> None:
    with connect(daemon.websocket_url) as client:
        receive(client)
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=60) as raw:
            raw.sendall(b"\x16\x03\x01\x02\x00" + bytes(range(256)) + b"\r\n\r\n")
            while raw.recv(4096):
                pass
        assert receive(client)["stream"] == "voice"


def test_the_page_and_its_parts_are_served_with_their_types(daemon: Daemon) -> None:
    response, body = request(daemon, "GET", "/")
    assert response.status == 200
    assert response.getheader("Content-Type") == "text/html; charset=utf-8"
    assert b"<html" in body
    policy = response.getheader("Content-Security-Policy")
    assert policy is not None
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.websockets_17
def test_the_head_of_the_page_can_be_asked_for(daemon: Daemon) -> None:
    _, body = request(daemon, "GET", "/")
    head, nothing = request(daemon, "HEAD", "/")
    assert head.getheader("Content-Length") == str(len(body))
    assert nothing == b""


def test_all_rooms_of_the_page_are_served_as_they_are(daemon: Daemon) -> None:
    types = {
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
        ".webmanifest": "application/manifest+json",
    }
    files = [file for file in PAGE.rglob("*") if file.is_file()]
    assert len({file.parent for file in files}) > 1
    for file in files:
        response, body = request(daemon, "GET", f"/{file.relative_to(PAGE).as_posix()}")
        assert response.status == 200
        assert response.getheader("Content-Type") == types[file.suffix]
        assert body == file.read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        *("/nothing", "/../setup.cfg", "/..%2fsetup.cfg", "//etc/passwd", "/./index.html", "/%00"),
        *(
            "/ui",
            "/ui/",
            "/ui/../index.html",
            "/ui/%2e%2e/index.html",
            "/ui//dom.js",
            "/ui%2fdom.js",
        ),
        *("/ui/../../websocket_client.py", "/ui/nothing.js", "/UI/dom.js"),
    ],
)
def test_nothing_but_the_page_can_be_read(daemon: Daemon, path: str) -> None:
    assert request(daemon, "GET", path)[0].status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("path", ["/", "/healthz", "/ws"])
def test_http_changes_nothing(daemon: Daemon, method: str, path: str) -> None:
    response, _ = request(daemon, method, path)
    assert response.status == 405


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "user@127.0.0.1", ""])
@pytest.mark.parametrize("path", ["/", "/healthz", "/ws"])
def test_a_foreign_name_for_this_machine_is_refused(daemon: Daemon, host: str, path: str) -> None:
    response, _ = request(daemon, "GET", path, [("Host", host)])
    assert response.status == 421


def test_two_hosts_are_refused(daemon: Daemon) -> None:
    response, _ = request(daemon, "GET", "/", [("Host", "127.0.0.1"), ("Host", "evil.example")])
    assert response.status == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1", "file://"])
def test_a_foreign_page_may_not_listen(daemon: Daemon, origin: str) -> None:
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(daemon.websocket_url, additional_headers={"Origin": origin}),
    ):
        pass
    assert refused.value.response.status_code == 403


def test_the_daemons_own_page_may_listen(daemon: Daemon) -> None:
    origin = daemon.page_url.rstrip("/")
    with connect(daemon.websocket_url, additional_headers={"Origin": origin}) as client:
        assert receive(client)["type"] == "hello"


def test_plain_http_on_the_socket_path_gets_the_remedy(daemon: Daemon) -> None:
    response, body = request(daemon, "GET", "/ws")
    assert response.status == 426
    assert b"WebSocket" in body


def test_a_new_server_listens_but_accepts_only_once_it_serves() -> None:
    async def test() -> None:
        server = WebSocketServer("localhost", 0, lambda: [], PAGES, Access("localhost"), LIMITS)
        try:
            reader, writer = await asyncio.open_connection("localhost", server.port)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            for _ in range(100):
                await asyncio.sleep(0)  # the event loop would accept the connection here
            assert server.occupancy.count == 0
            await server.serve()
            assert b'"is_whole": true' in await reader.read()
            writer.close()
        finally:
            await server.close()

    run(test)


def test_a_server_that_never_served_frees_its_port_when_it_is_closed() -> None:
    async def test() -> None:
        first = WebSocketServer("localhost", 0, lambda: [], PAGES, Access("localhost"), LIMITS)
        with pytest.raises(ServeError):
            WebSocketServer("localhost", first.port, lambda: [], PAGES, Access("localhost"), LIMITS)
        await first.close()
        again = WebSocketServer(
            "localhost", first.port, lambda: [], PAGES, Access("localhost"), LIMITS
        )
        await again.close()

    run(test)


def test_other_work_goes_on_while_requests_wait() -> None:
    turns, at = 0, []
    is_over = asyncio.Event()

    async def note(_: Connection, __: AskRooms) -> None:
        at.append(turns)
        if len(at) == 100:
            is_over.set()

    async def turn() -> None:
        nonlocal turns
        while not is_over.is_set():
            turns += 1
            await asyncio.sleep(0)

    async def test() -> None:
        server = WebSocketServer(
            "localhost",
            0,
            lambda: [],
            PAGES,
            Access("localhost"),
            LIMITS,
            handlers={AskRooms: note},
        )
        await server.serve()
        try:
            async with connect_here(f"ws://localhost:{server.port}/ws") as client:
                one = Frame(Opcode.TEXT, b'{"type":"rooms"}').serialize(mask=True)
                client.transport.write(one * 100)
                await turn()
        finally:
            await server.close()
        assert len({*at}) == 100

    run(test)
