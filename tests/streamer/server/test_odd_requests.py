"""Requests that no browser makes, as bytes on a socket of a running daemon."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from emotiond.streamer.server.access import OWNER, Access
from emotiond.streamer.server.http import refusal
from tests.support.daemon import DEMO, Daemon, running_daemon

FORGED = "emotiond: all is well"
SECRET = b"[metadata]"  # how setup.cfg begins, which lies above the page's folder


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with running_daemon("--source", f"voice={DEMO}", "--model", "lite") as daemon:
        yield daemon
        assert daemon.process.poll() is None
        logged = daemon.stderr.splitlines()[1:]
        assert all(line.startswith("emotiond: refused: ") for line in logged), logged
        assert len(set(logged)) == len(logged) <= 20


def answer(daemon: Daemon, request: bytes) -> bytes:
    """All that comes back to a request; one that does not end is broken off."""
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=60) as client:
        received = b""
        try:
            client.sendall(request)
            if b"\r\n\r\n" not in request:
                client.shutdown(socket.SHUT_WR)
            while piece := client.recv(65_536):
                received += piece
        except ConnectionError:
            pass
    return received


def status(received: bytes) -> int | None:
    """Return the status of the only response; None without a response."""
    found = re.findall(rb"^HTTP/1\.1 (\d{3}) ", received, re.MULTILINE)
    assert len(found) <= 1
    return int(found[0]) if found else None


def get(target: str, *headers: str, host: str = "127.0.0.1") -> bytes:
    lines = [f"GET {target} HTTP/1.1", f"Host: {host}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


@pytest.mark.parametrize(
    "request_bytes",
    [
        get("/healthz", "Content-Length: 5") + b"GET /",
        get("/healthz", "Content-Length: 0", "Content-Length: 44") + get("/"),
        get("/healthz", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + get("/"),
        get("/healthz", "Transfer-Encoding: chunked", "Content-Length: 4") + b"0\r\n\r\n",
        get("/healthz", "Transfer-Encoding : chunked") + b"0\r\n\r\n" + get("/"),
        get("/healthz", "Transfer-Encoding:\tidentity, chunked") + b"0\r\n\r\n",
        get("/healthz", "X: a", " folded: b"),
        get("/healthz", ": empty"),
        get("/healthz", "No colon"),
        get("/healthz", "X: a\0b"),
        b"GET /healthz\r\n\r\n",
        b"GET  /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /healthz HTTP/2.0\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\nHost: 127.0.0.1\r\n\r\n",
        b"\r\nGET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        pytest.param(
            b"GET /\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", marks=pytest.mark.websockets_17
        ),
    ],
)
def test_an_ambiguous_request_is_answered_once(daemon: Daemon, request_bytes: bytes) -> None:
    received = answer(daemon, request_bytes)
    assert status(received) in (200, 400, 405)
    assert b"<html" not in received  # the second request in it was not answered


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\nHost: 127.0.0.1\n\n",
        get("/", "No colon"),
        get("/", "Content-Length: 5") + b"hello",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ends in the mid",
        b"GET / HT",
        b"nothing-of-the-kind",
    ],
)
def test_malformed_http_gets_400(daemon: Daemon, request_bytes: bytes) -> None:
    assert status(answer(daemon, request_bytes)) == 400


TOO_LARGE = {
    "line": b"GET /" + b"a" * 9_000,
    "header": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 9_000,
    "headers": b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 200,
    "nonsense": b"GET / HTTP/9.9\r\n",
}


@pytest.mark.parametrize("begun", TOO_LARGE)
def test_what_comes_after_a_refusal_is_discarded_without_a_word(daemon: Daemon, begun: str) -> None:
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=60) as client:
        client.sendall(TOO_LARGE[begun])
        received = client.recv(65_536)  # it is refused by now
        assert status(received) in (400, 414, 431)
        with contextlib.suppress(ConnectionError):
            for _ in range(4):
                client.sendall(b"b" * 8_000)
            client.shutdown(socket.SHUT_WR)
            while piece := client.recv(65_536):
                received += piece
    assert received.count(b"HTTP/1.1 ") == 1
    assert "Traceback" not in daemon.stderr


def test_a_second_request_on_a_connection_is_not_answered(daemon: Daemon) -> None:
    received = answer(daemon, get("/healthz") + get("/"))
    assert status(received) == 200
    assert b"<html" not in received


@pytest.mark.parametrize("more", [b"", b"more", get("/"), b"\x00" * 5_000])
def test_a_request_is_answered_whatever_follows_and_if_its_client_sends_no_more(
    daemon: Daemon, more: bytes
) -> None:
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=60) as client:
            client.sendall(get("/healthz") + more)
            client.shutdown(socket.SHUT_WR)
            received = b""
            while piece := client.recv(65_536):
                received += piece
        assert status(received) == 200


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nhello",
        b"POST /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"PUT / HTTP/1.0\r\n\r\n",
        b"OPTIONS / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nhello",
        b"OPTIONS / HTTP/1.0\r\n\r\n",
        b"TRACE / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"get / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"PROPFIND / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ],
)
def test_other_methods_get_405_with_a_body_too(daemon: Daemon, head: bytes) -> None:
    assert status(answer(daemon, head)) == 405


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        pytest.param(
            b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", 200, marks=pytest.mark.websockets_17
        ),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", 421, marks=pytest.mark.websockets_17),
        (get("http://127.0.0.1/healthz"), 404),
        (get("http://evil.example/", host="evil.example"), 421),
        (get("*"), 404),
        (get("/healthz?a=%00&b"), 200),
        (get("/healthz/"), 404),
        (get("/WS"), 404),
        (get("/", host="127.0.0.1:1"), 200),  # a tunnel has a port of its own
        (get("/", host="LocalHost"), 200),
        (get("/", host="localhost."), 421),
        (get("/", host="127.0.0.1."), 421),
        (get("/", host="[::1%25lo]"), 421),
        (get("/", host="[::1%lo]"), 421),
        (get("/", host="127.1"), 421),
        (get("/", host="0x7f000001"), 421),
        (get("/", host="localhost, evil.example"), 421),
        (get("/", host=""), 421),
    ],
)
def test_old_and_odd_forms(daemon: Daemon, request_bytes: bytes, expected: int) -> None:
    assert status(answer(daemon, request_bytes)) == expected


PIECES = st.sampled_from(
    (
        *("..", ".", "%2e%2e", "%2E.", "..%2f", "%5c..", "\\..", "..;", "%00", "//", "~", "C:"),
        *("setup.cfg", "clients", "web", "%252e%252e", "..%c0%af", "etc", "passwd", "file:"),
    )
)


@settings(max_examples=150)
@given(st.lists(PIECES, min_size=1, max_size=8), st.sampled_from(["/", "\\", "%2f", ""]))
def test_no_path_leaves_the_page_folder(daemon: Daemon, pieces: list[str], between: str) -> None:
    received = answer(daemon, get("/" + between.join(pieces)))
    assert status(received) in (200, 404)
    assert SECRET not in received
    assert b"root:" not in received


@settings(max_examples=150)
@given(st.binary(max_size=300))
@example(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
@example(b"GET " + b"/" * 9000)
def test_any_bytes_leave_the_daemon_as_it_was(daemon: Daemon, rubbish: bytes) -> None:
    assert status(answer(daemon, rubbish)) in (None, 400, 405, 414, 421, 431)
    assert status(answer(daemon, get("/healthz"))) == 200


VALUES = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=40)
HEADERS = st.sampled_from(
    (
        *("Origin", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"),
        *("Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Authorization", "Cookie"),
    )
)


@settings(max_examples=150)
@given(st.lists(st.tuples(HEADERS, VALUES), max_size=12), st.sampled_from(["/ws", "/", "/metrics"]))
def test_any_header_gets_a_proper_answer(
    daemon: Daemon, headers: list[tuple[str, str]], target: str
) -> None:
    received = answer(daemon, get(target, *(f"{name}: {value}" for name, value in headers)))
    assert status(received) in (None, 101, 200, 400, 403, 426)


@pytest.mark.parametrize("escape", ["\n", "\r\n", "\x1b[2K\r", "\x08", "\x9b", "%0a", "\\n"])
def test_no_request_can_forge_a_log_line(daemon: Daemon, escape: str) -> None:
    line = f"x{escape}{FORGED}"
    for request_bytes in (
        get("/" + line.replace(" ", "+")),
        get("/", f"User-Agent: {line}"),
        get("/", host=line),
        get("/ws", f"Origin: {line}", "Upgrade: websocket"),
        line.encode("latin-1") + b" / HTTP/1.1\r\n\r\n",
    ):
        answer(daemon, request_bytes)
    assert FORGED not in daemon.stderr


@given(st.binary(max_size=100), st.integers(0, 100))
def test_a_request_head_is_refused_by_its_method_or_size(head: bytes, most: int) -> None:
    response = refusal(head, most)
    if response is None:
        assert head[:16].startswith((b"GET ", b"HEAD ", b"OPTIONS ")) or b" " not in head
    else:
        assert response.status_code in (400, 405, 431)


@given(st.text())
def test_only_the_token_is_the_token(candidate: str) -> None:
    access = Access("127.0.0.1", token="correct horse battery")  # noqa: S106
    assert (access.proof(candidate) == OWNER) == (candidate == "correct horse battery")
    assert (access.bearer_proof([f"Bearer {candidate}"]) == OWNER) == (
        candidate.strip() == "correct horse battery"
    )
    assert "correct" not in repr(access)
