"""One request of the web hook, against servers that answer well, badly, slowly and not at all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from emotiond import __version__
from emotiond.streamer.hub import Message
from emotiond.streamer.outputs import web_client
from emotiond.streamer.outputs.courier import Outcome
from emotiond.streamer.outputs.web_client import WebClient, pause_seconds
from tests.support.hook_server import OK, hook_server, status
from tests.support.port import EMOTION, run

MESSAGE = Message.of(EMOTION)


def post(url: str, secret: str | None = None) -> Outcome:
    return WebClient(urlsplit(url), secret).deliver(MESSAGE)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_client, "LIMIT_SECONDS", 0.3)


def test_an_event_is_posted_as_json_with_the_secret() -> None:
    with hook_server(OK) as server:
        assert post(f"{server.url}?room=1", "a secret of some length") == Outcome()
        asked = server.asked()
    assert asked.line == "POST /hook?room=1 HTTP/1.1"
    assert asked.headers["authorization"] == "Bearer a secret of some length"
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["user-agent"] == f"emotiond/{__version__}"
    assert asked.headers["host"] == f"127.0.0.1:{server.port}"
    assert asked.body.decode() == MESSAGE.text
    assert json.loads(asked.body)["type"] == "emotion"


def test_without_a_secret_none_is_sent() -> None:
    with hook_server(OK) as server:
        assert post(server.url) == Outcome()
        assert "authorization" not in server.asked().headers


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (status(200), Outcome()),
        (status(204), Outcome()),
        (status(400), Outcome("HTTP status 400")),
        (status(401), Outcome("HTTP status 401")),
        (status(404, "Retry-After: 5"), Outcome("HTTP status 404")),
        (status(429, "Retry-After: 5"), Outcome("HTTP status 429", True, 5.0)),
        (status(500), Outcome("HTTP status 500", True)),
        (status(503, "Retry-After: soon"), Outcome("HTTP status 503", True)),
        (b"nonsense\r\n\r\n", Outcome("the answer is no HTTP", True)),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10**6, Outcome("the answer is no HTTP", True)),
        (b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 10**4, Outcome("the answer is no HTTP", True)),
        (b"", Outcome("it hangs up without an answer", True)),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10**6, Outcome()),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", Outcome()),
    ],
)
def test_each_answer_has_its_outcome(answer: bytes, outcome: Outcome) -> None:
    with hook_server(answer) as server:
        assert post(server.url) == outcome


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("first", "more", "outcome"),
    [
        (CHUNKED + b"-1\r\n", b"x", Outcome()),
        (CHUNKED + b"0\r\n", b"A: b\r\n", Outcome()),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", Outcome("the answer is no HTTP", again=True)),
    ],
    ids=["a chunk of negative size", "trailers", "answers before the last one"],
)
def test_an_answer_without_end_is_broken_off(
    first: bytes, more: bytes, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_client, "LIMIT_SECONDS", 600.0)  # it is not for its time
    block = more * (2**20 // len(more))
    is_broken_off = threading.Event()

    def answer(listener: socket.socket) -> None:
        client, _ = listener.accept()
        with client:
            client.recv(2**16)
            try:
                client.sendall(first)
                for _ in range(64):  # far more than the systems of both sides hold
                    client.sendall(block)
            except OSError:
                is_broken_off.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=answer, args=(listener,), daemon=True)
        server.start()
        assert post(f"http://127.0.0.1:{listener.getsockname()[1]}/") == outcome
        server.join()
    assert is_broken_off.is_set()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(code: int) -> None:
    with hook_server(OK) as other, hook_server(status(code, f"Location: {other.url}")) as server:
        problem = f"HTTP status {code}: redirects are not followed"
        assert post(server.url, "a secret of some length") == Outcome(problem)
        assert other.waiting == 0


def test_where_nobody_listens_it_says_so() -> None:
    with hook_server(OK) as gone:
        pass
    assert post(gone.url) == Outcome("connection refused", again=True)


def test_a_name_that_nobody_has_is_told() -> None:
    outcome = post("http://no-such-name.invalid/")
    assert outcome.problem
    assert outcome.again


@pytest.mark.usefixtures("hanging")
def test_a_server_that_never_answers_is_given_up() -> None:
    with hook_server(None) as server:
        assert post(server.url) == Outcome("no answer in time", again=True)


@contextlib.contextmanager
def silent(count: int) -> Iterator[list[tuple[str, int]]]:
    """Addresses that accept no connection and refuse none: their systems have no room for more."""
    with contextlib.ExitStack() as stack:
        addresses = []
        for index in range(count):
            listener = stack.enter_context(socket.socket())
            listener.bind((f"127.0.0.{10 + index}", 0))
            listener.listen(0)
            addresses.append(listener.getsockname())
            for _ in range(2):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(addresses[-1])
        yield addresses


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's loopback addresses")
@pytest.mark.usefixtures("hanging")
def test_however_many_addresses_a_host_has_it_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outcomes: list[Outcome] = []
    with silent(3) as addresses:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", each) for each in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: found)
        monkeypatch.setattr(web_client, "_STEP_SECONDS", 600.0)
        posting = threading.Thread(
            target=lambda: outcomes.append(post("http://many.example/")), daemon=True
        )
        posting.start()
        posting.join(60)
    assert outcomes == [Outcome("no answer in time", again=True)]


def test_an_address_of_a_kind_that_the_system_lacks_does_not_keep_it_from_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with hook_server(OK) as server:
        parts = urlsplit(server.url)
        place, stream = ("127.0.0.1", parts.port), socket.SOCK_STREAM
        found = [(-7, stream, 0, "", place), (socket.AF_INET, stream, 0, "", place)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: found)
        assert post(f"http://two.example:{parts.port}/") == Outcome()


def test_nothing_of_a_request_is_left_that_could_cut_the_next_one() -> None:
    with hook_server(OK) as server:
        assert post(server.url) == Outcome()
        assert not [each for each in threading.enumerate() if isinstance(each, threading.Timer)]


@contextlib.contextmanager
def dripping(first: bytes) -> Iterator[int]:
    """A server that sends a byte now and then, without end. Yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            client, _ = listener.accept()
            with client, contextlib.suppress(OSError):
                client.sendall(first)
                while True:
                    client.sendall(b"x")
                    time.sleep(0.02)

        threading.Thread(target=drip, daemon=True).start()
        yield listener.getsockname()[1]


@pytest.mark.usefixtures("hanging")
@pytest.mark.parametrize("first", [b"HTTP/1.1 200 OK\r\nX: ", b""])
def test_one_that_answers_a_byte_now_and_then_is_given_up(first: bytes) -> None:
    with dripping(first) as port:
        assert post(f"http://127.0.0.1:{port}/") == Outcome("no answer in time", again=True)


@pytest.mark.usefixtures("hanging")
def test_a_handshake_of_a_byte_now_and_then_is_given_up() -> None:
    with dripping(b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xf0") as port:  # a long record of TLS
        assert post(f"https://127.0.0.1:{port}/") == Outcome("no answer in time", again=True)


def test_the_end_breaks_off_what_runs_and_nothing_more_is_sent() -> None:
    async def test() -> None:
        with hook_server(None) as server:
            client = WebClient(urlsplit(server.url), None)
            running = asyncio.create_task(asyncio.to_thread(client.deliver, MESSAGE))
            await asyncio.to_thread(server.asked)
            client.end(0.1)
            assert (await running).problem == "no answer in time"
            assert client.deliver(MESSAGE).problem == "no answer in time"
            assert server.waiting == 0

    run(test)


# Encryption.


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def encrypted(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))


@pytest.mark.usefixtures("trusted")
def test_with_a_valid_certificate_an_event_is_sent_encrypted(authority: trustme.CA) -> None:
    with hook_server(OK, tls=encrypted(authority, "127.0.0.1")) as server:
        assert server.url.startswith("https:")
        assert post(server.url, "a secret of some length") == Outcome()
        assert server.asked().body.decode() == MESSAGE.text


def test_what_is_cut_off_as_it_is_about_to_send_sends_nothing_in_the_clear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = WebClient(urlsplit(f"https://127.0.0.1:{listener.getsockname()[1]}/"), "secret")

        def end_meanwhile(_socket: ssl.SSLSocket) -> None:
            client.end(0.1)

        # The end comes right after the handshake, and this thread is quicker than the system.
        monkeypatch.setattr(ssl.SSLSocket, "do_handshake", end_meanwhile)
        monkeypatch.setattr(socket.socket, "shutdown", lambda *_: None)
        posting = threading.Thread(target=client.deliver, args=(MESSAGE,), daemon=True)
        posting.start()
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.recv(1) == b"\x16"  # of TLS, and not the P of POST
        posting.join()


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_name_gets_nothing(authority: trustme.CA) -> None:
    with hook_server(OK, tls=encrypted(authority, "other.example")) as server:
        problem = post(server.url, "a secret of some length").problem
        assert problem is not None
        assert problem.startswith("its certificate is not valid (IP address mismatch")
        assert server.waiting == 0


def test_a_certificate_that_nobody_has_signed_gets_nothing(authority: trustme.CA) -> None:
    with hook_server(OK, tls=encrypted(authority, "127.0.0.1")) as server:
        problem = post(server.url, "a secret of some length").problem
        assert problem is not None
        assert problem.startswith("its certificate is not valid (")
        assert server.waiting == 0


def test_a_server_without_encryption_is_told() -> None:
    with dripping(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        problem = post(f"https://127.0.0.1:{port}/").problem
    assert problem is not None
    assert problem.startswith("no encryption comes about (")


# Retry-After.


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", 0), ("0", 0), ("120", 120), ("-5", 0), ("1e9", 0), ("9" * 20, 0), ("٣", 0), ("soon", 0)],
)
def test_a_pause_is_a_number_of_seconds(text: str, seconds: float) -> None:
    assert pause_seconds(text) == seconds


def test_or_a_date() -> None:
    assert 3500 < pause_seconds(formatdate(time.time() + 3600, usegmt=True)) <= 3600
    assert pause_seconds(formatdate(0, usegmt=True)) == 0
    assert pause_seconds("Mon, 99 Xxx 99999 99:99:99 GMT") == 0
