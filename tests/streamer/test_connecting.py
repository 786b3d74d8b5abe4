"""A host has several addresses: the first that accepts is taken."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from emotiond.streamer.connecting import Place, first_connected

TCP = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
NO_FAMILY: Any = 12345  # as IPv6 where the system has none


def refusing() -> Place:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return (*TCP, server.getsockname())


def test_the_first_that_accepts_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        places = [refusing(), (NO_FAMILY, *TCP[1:], None), (*TCP, server.getsockname())]
        with first_connected(places, socket.socket.connect) as connected:
            assert connected.getpeername() == server.getsockname()


def test_where_none_accepts_the_last_error_is_told() -> None:
    def fail(_: socket.socket, address: Any) -> None:
        raise OSError(address)

    with pytest.raises(OSError, match="second"):
        first_connected([(*TCP, "first"), (*TCP, "second")], fail)


def test_without_an_address_it_is_refused() -> None:
    with pytest.raises(ConnectionRefusedError):
        first_connected([], socket.socket.connect)
