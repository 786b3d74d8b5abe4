"""The server is a plain socket, so that it can answer what no server would."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator

import pytest
import trustme

from emotiond.exceptions import SourceError
from emotiond.streamer.sources import http_connection, network_socket
from emotiond.streamer.sources.http_connection import MOST_REDIRECTS, HttpConnection, connect
from emotiond.streamer.sources.network_address import parse_address
from tests.support.streams import redirecting, sending, serving


@contextlib.contextmanager
def connected(url: str) -> Iterator[HttpConnection]:
    connection = connect(parse_address(url))
    try:
        yield connection
    finally:
        connection.end()
        connection.close()


def whole(connection: HttpConnection) -> bytes:
    return b"".join(iter(lambda: connection.read(100), b""))


def refused(url: str) -> str:
    with pytest.raises(SourceError) as refusal:
        connect(parse_address(url))
    return str(refusal.value)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n", b"sound"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/lies\r\n\r\n", b"sound"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"sound and more"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"2\r\nso\r\n3;x=y\r\nund\r\n0\r\n\r\n",
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", b"sound"),
    ],
)
def test_what_the_server_sends_is_read(head: bytes, body: bytes) -> None:
    with serving(sending(body, head=head)) as server, connected(server.url) as connection:
        assert whole(connection) == b"sound"
    (request,) = server.requests
    assert request.startswith(b"GET /live HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{server.port}\r\n".encode() in request
    assert b"Icy-MetaData" not in request
    assert b"Authorization" not in request


def test_a_password_is_sent_to_its_server_and_to_no_other() -> None:
    with (
        serving(sending(b"sound")) as other,
        serving(redirecting("/there"), redirecting(other.url)) as server,
        connected(server.url.replace("http://", "http://ann:secret@")) as connection,
    ):
        assert whole(connection) == b"sound"
    pair = base64.b64encode(b"ann:secret")
    for request in server.requests:
        assert b"Authorization: Basic " + pair + b"\r\n" in request
    assert b"GET /there " in server.requests[1]
    assert b"Authorization" not in other.requests[0]
    assert pair not in other.requests[0]


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("https://127.0.0.1/", "redirects from http to https"),
        ("rtsp://127.0.0.1/", "redirects from http to rtsp"),
        ("file:///etc/passwd", "redirects to another kind of address"),
        ("ftp://127.0.0.1/", "redirects to another kind of address"),
        ("http://ann:secret@localhost:1/", "redirects to an address with a password"),
        ("http://[::1", "redirects to another kind of address"),
        ("/again", f"redirects more than {MOST_REDIRECTS} times"),
    ],
)
def test_where_no_redirect_may_lead(location: str, reason: str) -> None:
    with serving(redirecting(location)) as server:
        said = refused(server.url)
    assert reason in said
    assert location.removeprefix("/") not in said
    assert len(server.requests) <= MOST_REDIRECTS + 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("127.0.0.1", "this machine"),
        ("::1", "this machine"),
        ("::ffff:127.0.0.1", "this machine"),
        ("0.0.0.0", "this machine"),  # noqa: S104
        ("192.168.1.9", "a private network"),
        ("10.0.0.1", "a private network"),
        ("169.254.169.254", "a private network"),
        ("fe80::1%eth0", "a private network"),
        ("fd00::1", "a private network"),
        ("8.8.8.8", "the internet"),
        ("2606:4700::1", "the internet"),
    ],
)
def test_each_address_belongs_to_a_network(address: str, network: str) -> None:
    assert http_connection._network_of(address) == network


def test_a_redirect_leads_to_no_other_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The addresses of both servers are loopback, so the networks are those of the test."""
    networks = iter(["the internet", "this machine"])
    monkeypatch.setattr(http_connection, "_network_of", lambda _: next(networks))
    with serving(sending(b"private")) as other, serving(redirecting(other.url)) as server:
        assert "it redirects from the internet to this machine" in refused(server.url)
    assert not any(other.requests)


ANSWERS = {
    b"": "ends the connection without an answer",
    b"ICY 200 OK\r\n\r\n": "the old protocol of SHOUTcast",
    b"220 mail ready\r\n": "its answer is no HTTP",
    b"\xff\xfe" * 1_000: "its answer is no HTTP",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n": "its answer is no HTTP",
    b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000: "its answer is no HTTP",
    b"HTTP/1.1 200 OK\r\n"
    + 3 * (b"X: " + b"\r:" * 30_000 + b"\r\n")
    + b"\r\n": "its answer is no HTTP",
    b"HTTP/1.1 100 Continue\r\n\r\n" * 6_000 + b"HTTP/1.1 200 OK\r\n\r\n": "its answer is no HTTP",
    b"HTTP/1.1 401 Unauthorized\r\n\r\n": "it wants a user and a password",
    b"HTTP/1.1 404 Not Found\r\n\r\n": "has no such stream at present",
    b"HTTP/1.1 503 Busy\r\n\r\n": "answers with status 503",
    b"HTTP/1.1 302 Found\r\n\r\n": "answers with status 302",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n": "compresses what is compressed already",
}


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: repr(answer[:30]))
def test_what_is_no_stream_is_refused_in_one_line(answer: bytes) -> None:
    with serving(sending(head=answer)) as server:
        said = refused(server.url)
    assert said.startswith(f"{server.url}: ")
    assert ANSWERS[answer] in said


@pytest.mark.parametrize("part", [b"HTTP/1.1 100 Continue\r\n\r\n", b"X"])
def test_an_answer_that_never_ends_is_given_up(
    part: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_socket, "ANSWER_SECONDS", 0.5)

    def drip(client: socket.socket, _request: bytes) -> None:
        while True:
            client.sendall(part)
            time.sleep(0.01)

    with serving(drip) as server:
        assert "it does not answer within 0.5 s" in refused(server.url)


def test_a_handshake_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_socket, "ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            client, _ = listener.accept()
            with client, contextlib.suppress(OSError):
                client.sendall(b"\x16\x03\x03\x40\x00")  # a record of 16 KiB
                while True:
                    client.sendall(b"\x02")
                    time.sleep(0.01)

        dripping = threading.Thread(target=drip)
        dripping.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        assert "it does not answer within 0.5 s" in refused(url)
        dripping.join()


def test_a_server_that_falls_silent_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_socket, "SILENT_SECONDS", 0.2)
    with serving(sending(b"sound", then=True)) as server, connected(server.url) as connection:
        assert connection.read(100) == b"sound"
        with pytest.raises(TimeoutError):
            connection.read(100)


def test_a_url_that_nobody_serves_is_one_line() -> None:
    with serving(sending()) as server:
        pass
    assert "cannot connect (Connection refused)" in refused(server.url)
    assert "there is no such host" in refused("http://nowhere.invalid/")
    assert "there is no such host" in refused(f"http://{'x' * 70}.example/")


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def tls(authority: trustme.CA, host: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


def test_https_is_encrypted_and_its_certificate_is_checked(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(sending(b"sound"), pem=tls(authority, "127.0.0.1")) as server:
        url = server.url.replace("http:", "https:")
        assert "its certificate is not valid" in refused(url)
        with authority.cert_pem.tempfile() as trusted:
            monkeypatch.setenv("SSL_CERT_FILE", trusted)
            with connected(url) as connection:
                assert whole(connection) == b"sound"
            assert "its certificate is not valid" in refused(url.replace("127.0.0.1", "localhost"))
        assert len(server.requests) == 1
