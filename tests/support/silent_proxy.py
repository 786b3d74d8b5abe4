"""A TCP proxy that can fall silent: its connections are then half open, without an error."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


class SilentProxy:
    """Passes bytes on between a port of its own and another, until it falls silent."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = [self._listener]
        self._silent: set[socket.socket] = set()
        self._is_silent_for_new_ones = False
        threading.Thread(target=self._accept, daemon=True).start()

    def fall_silent(self, for_new_ones: bool = False) -> None:
        """Pass nothing on any more over the present connections, or over new ones either."""
        self._silent.update(self._sockets)
        self._is_silent_for_new_ones = for_new_ones

    def speak_again(self) -> None:
        """Serve new connections again."""
        self._is_silent_for_new_ones = False

    def close(self) -> None:
        """Cut all connections."""
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
            except OSError:  # closed, or the daemon is gone
                return
            pair = (client, server)
            self._sockets += pair
            if self._is_silent_for_new_ones:
                self._silent.update(pair)
            for source, sink in (pair, pair[::-1]):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65_536):
                if source not in self._silent:
                    sink.sendall(piece)
            if source not in self._silent:
                sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def silent_proxy(port: int) -> Iterator[SilentProxy]:
    """Run a proxy for a port of this machine."""
    proxy = SilentProxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
