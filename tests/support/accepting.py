"""Serves the connections of a listener until the test ends."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def accepting(
    listener: socket.socket,
    serve: Callable[[socket.socket], None],
    ended: threading.Event,
    pem: ssl.SSLContext | None,
) -> Iterator[None]:
    """Serve each connection in a thread of its own, and end all of them at the end.

    Args:
        listener: listens already.
        serve: gets a connection, which is closed when it returns.
        ended: is set whenever a connection has ended.
        pem: for TLS.
    """
    clients: list[socket.socket] = []

    def run(client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            asked = client if pem is None else pem.wrap_socket(client, server_side=True)
            clients.append(asked)  # TLS takes the socket over
            with asked:
                serve(asked)
        ended.set()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                clients.append(client)
                threading.Thread(target=run, args=[client], daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()  # whom it has let in at last is ended, too
        for client in clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
