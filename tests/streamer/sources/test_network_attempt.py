"""A mute is told at once, whatever the daemon waits for on its way to a server."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from emotiond.exceptions import SourceError
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.sources import network_attempt, network_socket
from emotiond.streamer.sources.network_address import parse_address
from emotiond.streamer.sources.network_attempt import Attempt
from emotiond.streamer.sources.network_stream import NetworkStream
from tests.support.daemon import PATIENCE_SECONDS

SCHEMES = ["http", "https", "rtsp", "rtsps"]
HTTP_REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"
RTSP_OK = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"


@pytest.fixture(autouse=True)
def _without_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends here ends because of the mute."""
    for name in ("CONNECT_SECONDS", "ANSWER_SECONDS"):
        monkeypatch.setattr(network_socket, name, 600.0)


@contextlib.contextmanager
def playing(url: str) -> Iterator[tuple[NetworkStream, queue.Queue[str]]]:
    """Yield a stream, and what it tells."""
    stream, told = NetworkStream(parse_address(url), waits=True), queue.Queue[str]()
    stream.start(Ring(160_000, 1, 16_000), lambda status, _: told.put(status))
    try:
        yield stream, told
    finally:
        stream.stop()


@contextlib.contextmanager
def silent(*answers: bytes) -> Iterator[tuple[int, queue.Queue[socket.socket]]]:
    """Serve on a port: each connection gets its answer to what it says first, and then nothing."""
    accepted = queue.Queue[socket.socket]()
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        waiting = [*answers]
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                if client.recv(1) and waiting:
                    client.sendall(waiting.pop(0))
                accepted.put(client)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1], accepted
    finally:
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(PATIENCE_SECONDS)
        while not accepted.empty():
            accepted.get().close()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_mute_is_told_while_a_server_says_nothing(scheme: str) -> None:
    with silent() as (port, accepted), playing(f"{scheme}://127.0.0.1:{port}/") as (stream, told):
        kept = [accepted.get(timeout=PATIENCE_SECONDS)]  # it stays open
        stream.switch.mute(True)
        assert told.get(timeout=PATIENCE_SECONDS) == "muted"
        stream.switch.mute(False)
        kept.append(accepted.get(timeout=PATIENCE_SECONDS))  # it is tried again
        assert told.empty()


@pytest.mark.parametrize(("scheme", "answer"), [("http", HTTP_REDIRECT), ("rtsp", RTSP_OK)])
def test_a_mute_is_told_while_a_server_says_no_more(scheme: str, answer: bytes) -> None:
    with (
        silent(answer) as (port, accepted),
        playing(f"{scheme}://127.0.0.1:{port}/") as (stream, told),
    ):
        kept = [accepted.get(timeout=PATIENCE_SECONDS)]
        if scheme == "http":
            kept.append(accepted.get(timeout=PATIENCE_SECONDS))  # to which it redirects
        stream.switch.mute(True)
        assert told.get(timeout=PATIENCE_SECONDS) == "muted"


def test_a_mute_is_told_while_a_server_takes_no_connection() -> None:
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(8):  # more than the system lets wait
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/"
        stream, told = stack.enter_context(playing(url))
        stream.switch.mute(True)
        assert told.get(timeout=PATIENCE_SECONDS) == "muted"


def test_a_mute_is_told_while_a_name_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is muted and unmuted meanwhile, one thread looks it up."""
    asked, over, times = threading.Event(), threading.Event(), []

    def look_up(*arguments: object, **_options: object) -> object:
        times.append(arguments)
        asked.set()
        over.wait(PATIENCE_SECONDS)
        return []

    monkeypatch.setattr(network_attempt.socket, "getaddrinfo", look_up)
    with playing("http://127.0.0.1/") as (stream, told):
        assert asked.wait(PATIENCE_SECONDS)
        stream.switch.mute(True)
        assert told.get(timeout=PATIENCE_SECONDS / 2) == "muted"
        for _ in range(3):
            attempt = stream._attempt
            stream.switch.mute(False)
            while stream._attempt is attempt:
                time.sleep(0.01)  # it has no event for this
            stream.switch.mute(True)
        assert len(times) == 1
        over.set()


def test_an_address_of_a_kind_that_the_system_lacks_does_not_keep_it_from_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place, stream = server.getsockname(), socket.SOCK_STREAM
        found = [(-7, stream, 0, "", place), (socket.AF_INET, stream, 0, "", place)]
        monkeypatch.setattr(network_attempt.socket, "getaddrinfo", lambda *_a, **_k: found)
        address = parse_address(f"http://two.example:{place[1]}/")
        with Attempt().connected_to(address, address) as connected:
            assert connected.getpeername() == place


def test_what_was_given_up_before_it_began_ends_at_once() -> None:
    with silent() as (port, accepted):
        attempt, address = Attempt(), parse_address(f"http://127.0.0.1:{port}/")
        attempt.give_up()
        with pytest.raises(SourceError, match="cannot connect"):
            attempt.connected_to(address, address)
        with (
            socket.create_connection(("127.0.0.1", port)) as connected,
            attempt.deadline(connected),
        ):
            assert connected.recv(1) == b""
        assert accepted.get(timeout=PATIENCE_SECONDS)


def test_a_mute_that_is_lifted_at_once_is_no_loss() -> None:
    with silent() as (port, accepted), playing(f"http://127.0.0.1:{port}/") as (stream, told):
        kept = [accepted.get(timeout=PATIENCE_SECONDS)]
        for _ in range(3):
            stream.switch.mute(True)
            stream.switch.mute(False)
            kept.append(accepted.get(timeout=PATIENCE_SECONDS))
        assert "reconnecting" not in [told.get() for _ in range(told.qsize())]
