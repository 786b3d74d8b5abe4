"""A client that reads in one thread and writes in another, against a server of websockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
import trustme
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from emotiond.clients.tls import guarded
from tests.support.daemon import PATIENCE_SECONDS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def context(authority: trustme.CA) -> ssl.SSLContext:
    context = guarded(ssl.create_default_context())
    authority.configure_trust(context)
    return context


@contextlib.contextmanager
def echo(authority: trustme.CA) -> Iterator[int]:
    """Serve on a free port; each message comes back, and ``bye`` ends the connection."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    ports: list[int] = []
    open_, loop, ended = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    async def answer(connection: ServerConnection) -> None:
        async for message in connection:
            if message == "bye":
                return
            await connection.send(message)

    async def run() -> None:
        async with serve(answer, "127.0.0.1", 0, ssl=tls, max_size=2**24) as server:
            ports.append(next(iter(server.sockets)).getsockname()[1])
            open_.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        assert open_.wait(PATIENCE_SECONDS)
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def client(port: int, context: ssl.SSLContext) -> ClientConnection:
    return connect(
        f"wss://127.0.0.1:{port}", ssl=context, proxy=None, max_size=2**24,
        open_timeout=PATIENCE_SECONDS,
    )  # fmt: skip


def test_messages_of_any_size_go_both_ways(authority: trustme.CA, context: ssl.SSLContext) -> None:
    with echo(authority) as port, client(port, context) as connection:
        for size in (0, 1, 125, 16_384, 16_385, 3_000_000):
            connection.send("x" * size)
            assert len(connection.recv(PATIENCE_SECONDS)) == size


def test_each_of_many_short_connections_is_answered(
    authority: trustme.CA, context: ssl.SSLContext
) -> None:
    with echo(authority) as port:
        for _ in range(100):
            with client(port, context) as connection:
                connection.send("well?")
                assert connection.recv(PATIENCE_SECONDS) == "well?"


def test_a_reader_gives_up_in_time_and_hears_of_the_end(
    authority: trustme.CA, context: ssl.SSLContext
) -> None:
    with echo(authority) as port, client(port, context) as connection:
        with pytest.raises(TimeoutError):
            connection.recv(timeout=0.05)
        connection.send("bye")
        with pytest.raises(ConnectionClosed):
            connection.recv(PATIENCE_SECONDS)


def test_its_socket_keeps_its_time_limit(authority: trustme.CA, context: ssl.SSLContext) -> None:
    with (
        echo(authority) as port,
        socket.create_connection(("127.0.0.1", port)) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped,
    ):
        wrapped.settimeout(0.05)
        with pytest.raises(TimeoutError):
            wrapped.recv(1)
        assert wrapped.gettimeout() == pytest.approx(0.05)


def test_a_strange_certificate_is_refused() -> None:
    with (
        echo(trustme.CA()) as port,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        client(port, guarded(ssl.create_default_context()))
