"""An attempt to reach the server of a network stream, which another thread can give up."""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet

from emotiond.streamer.background import run_in_background
from emotiond.streamer.connecting import Place, first_connected
from emotiond.streamer.sources import network_socket
from emotiond.streamer.sources.network_address import Address
from emotiond.streamer.sources.network_socket import refusal, shut

_LOOK_SECONDS = 0.1

_lookups: dict[tuple[str, int], Future[Sequence[Place]]] = {}  # that hang, or have just begun


def _looking_up(host: str, port: int) -> Future[Sequence[Place]]:
    """Look up a name. One that hangs has one thread, however often it is given up and tried."""

    def forget(done: Future[Sequence[Place]]) -> None:
        if _lookups.get((host, port)) is done:
            del _lookups[host, port]

    looking = _lookups.get((host, port))
    if looking is None or looking.done():
        looking = run_in_background(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        _lookups[host, port] = looking
        looking.add_done_callback(forget)
    return looking


class Attempt:
    """Waits for a server until it is there, or until :meth:`give_up`."""

    def __init__(self) -> None:
        self._is_given_up = threading.Event()
        self._guard = threading.Lock()
        self._end: Callable[[], None] | None = None

    @property
    def is_given_up(self) -> bool:
        """Whether nobody waits for it any more."""
        return self._is_given_up.is_set()

    def give_up(self) -> None:
        """End what another thread waits for, or will."""
        with self._guard:
            self._is_given_up.set()
            if self._end is not None:
                self._end()

    def connected_to(self, address: Address, first: Address) -> socket.socket:
        """Connect to a server.

        Args:
            address: of the server.
            first: the address that the user gave, for the message.

        Raises:
            SourceError: it is not there, or nobody waits for it.
        """
        try:
            connected = self._connected_to(address.host, address.port)
            connected.settimeout(network_socket.ANSWER_SECONDS)
            return connected
        except TimeoutError:
            reason = f"no answer within {network_socket.CONNECT_SECONDS:g} s"
        except (socket.gaierror, UnicodeError):
            reason = "there is no such host"
        except OSError as error:
            reason = os.strerror(error.errno or 0)
        remedy = "Start the server, or change the address"
        raise refusal(first, f"cannot connect ({reason})", remedy)

    @contextlib.contextmanager
    def deadline(self, connected: socket.socket) -> Iterator[threading.Event]:
        """Shut the connection if this takes too long, and yield what then is set.

        A timeout of the socket begins anew with each byte. It is shut, too, if it is given up.
        """
        is_late = threading.Event()

        def end() -> None:
            is_late.set()
            shut(watched)

        with connected.dup() as watched:  # TLS takes the socket itself away
            timer = threading.Timer(network_socket.ANSWER_SECONDS, end)
            timer.daemon = True
            timer.start()
            self._ends_by(lambda: shut(watched))
            try:
                yield is_late
            finally:
                self._ends_by(None)
                timer.cancel()
                timer.join()

    def _connected_to(self, host: str, port: int) -> socket.socket:
        """Connect to one of the addresses of a host.

        A thread of its own looks the name up: that may hang for long.

        Raises:
            OSError: none of them answers, or nobody waits for it.
        """
        looking = _looking_up(host, port)
        found = None
        while found is None:
            self._check()
            with contextlib.suppress(NotYet):
                found = looking.result(_LOOK_SECONDS)
        return first_connected(found, self._connect)

    def _ends_by(self, end: Callable[[], None] | None) -> None:
        with self._guard:
            self._end = end
            if end is not None and self.is_given_up:
                end()

    def _connect(self, connecting: socket.socket, place: object) -> None:
        """Connect within the limit of time, which is looked at together with the other end."""
        end_seconds = time.monotonic() + network_socket.CONNECT_SECONDS
        connecting.settimeout(0)
        status = connecting.connect_ex(place)  # type: ignore[arg-type]
        with selectors.DefaultSelector() as waiting:
            waiting.register(connecting, selectors.EVENT_WRITE)
            while status in (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR):
                self._check()
                if time.monotonic() > end_seconds:
                    raise TimeoutError
                if waiting.select(_LOOK_SECONDS):
                    status = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self._check()
        if status:
            raise OSError(status, os.strerror(status))

    def _check(self) -> None:
        if self.is_given_up:
            raise InterruptedError(errno.EINTR, "")
