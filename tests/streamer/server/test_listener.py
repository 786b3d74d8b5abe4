"""Listeners and their count, with real sockets and no server behind them."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from emotiond.streamer.server.listener import Listener, Occupancy, open_listeners


@pytest.fixture
def occupancy() -> Occupancy:
    return Occupancy(1)


@pytest.fixture
def listener(occupancy: Occupancy) -> Iterator[Listener]:
    (listener,) = open_listeners("127.0.0.1", 0, occupancy, encrypted=False)
    with listener:
        listener.listen()
        listener.settimeout(5)
        yield listener


def test_connections_count_until_they_are_closed(listener: Listener, occupancy: Occupancy) -> None:
    with socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        assert occupancy.count == 1
        connection.close()
        connection.close()
        assert occupancy.count == 0


def test_one_beyond_the_limit_gets_503(listener: Listener, occupancy: Occupancy) -> None:
    with (
        socket.create_connection(listener.getsockname()),
        socket.create_connection(listener.getsockname(), timeout=60) as second,
        listener.accept()[0],
    ):
        with pytest.raises(ConnectionAbortedError):
            listener.accept()
        assert second.recv(1000).startswith(b"HTTP/1.1 503 ")
        assert (occupancy.count, occupancy.refused) == (1, 1)


def test_all_addresses_of_a_host_get_the_same_port(occupancy: Occupancy) -> None:
    listeners = open_listeners("localhost", 0, occupancy, encrypted=False)
    try:
        assert len({listener.getsockname()[1] for listener in listeners}) == 1
    finally:
        for listener in listeners:
            listener.close()


def test_a_taken_port_is_an_error(listener: Listener, occupancy: Occupancy) -> None:
    with pytest.raises(OSError, match=r"."):
        open_listeners("127.0.0.1", listener.getsockname()[1], occupancy, encrypted=False)
