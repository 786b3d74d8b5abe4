"""Refused names: what the answer and the log of a running daemon say."""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request
from websockets.sync.client import connect

from tests.conftest import DATA
from tests.support.daemon import DEMO, Daemon, running_daemon
from tests.support.port import LIMITS, port, run

SOURCE = ("--source", f"voice={DEMO}", "--model", str(DATA / "tiny.tflite"), "--history", "off")
WALL = "https://wall.example"


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with running_daemon(*SOURCE, "--allow-origin", f"{WALL}/", "--allow-origin", "null") as daemon:
        yield daemon


def get(
    daemon: Daemon, path: str, headers: Mapping[str, str]
) -> tuple[int, str, Mapping[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
    connection.request("GET", path, headers=dict(headers))
    response = connection.getresponse()
    return response.status, response.read().decode(), dict(response.getheaders())


def refused(daemon: Daemon, **options: Any) -> str:
    with pytest.raises(InvalidStatus) as error, connect(daemon.websocket_url, **options):
        pass
    return bytes(error.value.response.body or b"").decode()


def test_a_refused_name_is_answered_and_logged_once_with_its_flag(daemon: Daemon) -> None:
    for _ in range(2):
        status, text, _ = get(daemon, "/", {"Host": "voice.example:8443"})
        assert status == 421
        assert "--allow-host voice.example" in text
    assert "--allow-host voice.example" in daemon.error_line("voice.example")
    assert daemon.stderr.count("voice.example") == 2  # once, in one line


def test_a_refused_page_is_answered_with_its_flag(daemon: Daemon) -> None:
    flag = "--allow-origin https://other.example"
    assert flag in refused(daemon, origin="https://other.example")
    # What a page asks that may not see the answer to its handshake.
    path = f"/ws?origin={quote('https://other.example', safe='')}"
    assert get(daemon, path, {})[:2] == (
        403, f"pages of https://other.example may not listen; allow them: {flag}\n"
    )  # fmt: skip
    assert get(daemon, f"/ws?origin={quote(WALL, safe='')}", {})[0] == 426


@pytest.mark.parametrize(
    "origin",
    [
        "https://a b",
        "x",
        "https://x.example/%0a",
        "http://[::1",
        "ws://x.example",
        "http://x:999999",
        f"http://{'x' * 254}",
    ],
)
def test_a_malformed_origin_is_repeated_to_nobody(daemon: Daemon, origin: str) -> None:
    status, text, _ = get(daemon, f"/ws?origin={quote(origin, safe='')}", {})
    assert (status, text) == (403, "this page may not listen; see --allow-origin\n")


def test_allowed_pages_may_listen_and_null_is_warned_of(daemon: Daemon) -> None:
    for origin in (WALL, "null"):
        with connect(daemon.websocket_url, origin=origin) as client:  # type: ignore[arg-type]
            assert "hello" in str(client.recv(timeout=60))
    assert "--token-file" in daemon.stderr


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_only_the_allowed_page_that_asked_may_read(daemon: Daemon, path: str) -> None:
    name = "Access-Control-Allow-Origin"
    assert get(daemon, path, {"Origin": WALL})[2][name] == WALL
    for headers in ({}, {"Origin": "null"}, {"Origin": "https://other.example"}):
        _, _, received = get(daemon, path, headers)
        assert name not in received
        assert received["Vary"] == "Origin"


def test_a_connection_that_is_lost_before_its_request_is_looked_at_refuses_no_name(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test() -> None:
        async with port(LIMITS) as at:
            lost: Any = SimpleNamespace(local_address=None)  # as TLS has it after the end
            request = Request("/ws", Headers({"Host": "192.168.7.5:8765"}))
            answer = at.server._admission.answer(lost, request)
            assert answer is not None
            assert answer.status_code == 421

    run(test)
    assert caplog.messages == []
