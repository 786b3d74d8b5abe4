"""A connection is read until another thread says that it is enough, and can still be written to."""

from __future__ import annotations

import contextlib
import io
import selectors
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from emotiond.streamer.sources.wakeable_reader import WakeableReader

PATIENCE_SECONDS = 60


def tls_pair() -> tuple[socket.socket, socket.socket]:
    authority = trustme.CA()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server_side)
    client_side = ssl.create_default_context()
    authority.configure_trust(client_side)
    here, there = socket.socketpair()
    served: list[ssl.SSLSocket] = []
    serving = threading.Thread(
        target=lambda: served.append(server_side.wrap_socket(there, server_side=True))
    )
    serving.start()
    wrapped = client_side.wrap_socket(here, server_hostname="localhost")
    serving.join()
    return wrapped, served[0]


@pytest.fixture(params=["plain", "TLS"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    here, there = socket.socketpair() if request.param == "plain" else tls_pair()
    with here, there:
        for each in (here, there):
            each.settimeout(PATIENCE_SECONDS)
        yield here, there


class WaitingSelector(selectors.DefaultSelector):
    """Says when somebody is about to wait."""

    waits = threading.Event()

    def select(self, timeout: float | None = None) -> Any:
        self.waits.set()
        return super().select(timeout)


def test_a_reader_that_waits_is_woken_and_the_other_side_can_still_be_told(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "DefaultSelector", WaitingSelector)
    here, there = pair
    came: list[bytes] = []
    with io.BufferedReader(WakeableReader(here)) as reader:
        there.sendall(b"sound")
        assert reader.read1(100) == b"sound"
        WaitingSelector.waits.clear()
        thread = threading.Thread(target=lambda: came.append(reader.read1(100)))
        thread.start()
        assert WaitingSelector.waits.wait(PATIENCE_SECONDS)
        wake(reader)
        thread.join(PATIENCE_SECONDS)
    assert came == [b""]
    here.sendall(b"good-bye")
    assert there.recv(100) == b"good-bye"


def test_once_woken_it_gives_no_more_even_if_there_is_more(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    here, there = pair
    there.sendall(b"sound")
    with io.BufferedReader(WakeableReader(here)) as reader:
        wake(reader)
        assert reader.read1(100) == b""


def test_the_end_of_the_connection_is_the_end(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    there.sendall(b"sound")
    there.shutdown(socket.SHUT_WR) if not isinstance(there, ssl.SSLSocket) else there.close()
    with io.BufferedReader(WakeableReader(here)) as reader:
        assert reader.read() == b"sound"


def test_silence_lasts_as_long_as_the_connection_has_patience(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    here, _ = pair
    here.settimeout(0.05)
    with io.BufferedReader(WakeableReader(here)) as reader:
        with pytest.raises(TimeoutError):
            reader.read1(100)
        assert here.gettimeout() == 0.05


def test_a_drip_of_half_records_does_not_begin_the_patience_anew() -> None:
    here, there = tls_pair()
    with here, socket.socket(fileno=there.detach()) as raw:
        here.settimeout(0.3)
        raw.sendall(b"\x17\x03\x03\x40\x00")  # the head of a long record, of which little comes
        ended = threading.Event()

        def drip() -> None:
            with contextlib.suppress(OSError):
                while not ended.wait(0.02):
                    raw.sendall(b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        with io.BufferedReader(WakeableReader(here)) as reader, pytest.raises(TimeoutError):
            reader.read1(100)
        ended.set()
        dripping.join(PATIENCE_SECONDS)


def test_what_tls_has_to_write_first_is_waited_for_without_trying_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here, there = socket.socketpair()
    tries = 0

    class Full(socket.socket):
        """Its TLS cannot write."""

        def recv_into(self, *_: Any) -> int:
            nonlocal tries
            tries += 1
            raise ssl.SSLWantWriteError

    with Full(fileno=here.detach()) as full, there:
        full.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                full.send(bytes(65_536))
        there.sendall(b"there is something to read")
        full.settimeout(0.2)
        with io.BufferedReader(WakeableReader(full)) as reader, pytest.raises(TimeoutError):
            reader.read1(100)
    assert tries == 1


def wake(reader: io.BufferedReader) -> None:
    assert isinstance(reader.raw, WakeableReader)
    reader.raw.wake()
