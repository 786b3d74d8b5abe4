"""A reverse proxy that changes the headers of requests, as one that is set up wrongly does."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator, Mapping


class HeaderProxy:
    """Passes each connection on to a port of this machine, with other headers.

    Args:
        port: of the daemon.
        headers: the new values of headers, which :meth:`set` changes; "" leaves a header out.
    """

    def __init__(self, port: int, headers: Mapping[str, str]) -> None:
        self._target = ("127.0.0.1", port)
        self._headers = headers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def set(self, headers: Mapping[str, str]) -> None:
        """Change other headers from the next request on."""
        self._headers = headers

    def cut(self) -> None:
        """Cut the present connections."""
        for each in self._connections:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._connections.clear()

    def close(self) -> None:
        """Cut all connections, and take no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            self._connections.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """Serve a connection of one request: the daemon closes it after its answer."""
        with contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                if not (piece := client.recv(65_536)):
                    return
                head += piece
            server = socket.create_connection(self._target)
            self._connections.append(server)
            server.sendall(self._changed(head))
            threading.Thread(target=_pass_on, args=(client, server), daemon=True).start()
            _pass_on(server, client)

    def _changed(self, head: bytes) -> bytes:
        for name, value in self._headers.items():
            line = f"{name}: {value}\r\n".encode() if value else b""
            head = re.sub(rb"(?im)^%s:[^\r]*\r\n" % re.escape(name.encode()), line, head)
        return head


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65_536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def header_proxy(port: int, headers: Mapping[str, str]) -> Iterator[HeaderProxy]:
    """Run a proxy for a port of this machine."""
    proxy = HeaderProxy(port, headers)
    try:
        yield proxy
    finally:
        proxy.close()
