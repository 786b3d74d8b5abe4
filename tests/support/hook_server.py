"""A web server of the test that answers as it is told, and keeps what it was asked."""

from __future__ import annotations

import contextlib
import itertools
import queue
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.support.daemon import PATIENCE_SECONDS
from tests.support.free_port import free_port

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


def status(code: int, *headers: str) -> bytes:
    """An answer without a body."""
    return "\r\n".join((f"HTTP/1.1 {code} X", "Content-Length: 0", *headers, "", "")).encode()


class HookServer:
    """Answers each request with the next of its answers, and from then on with the last one.

    An answer of None leaves the request without one, until the server is closed.

    Args:
        answers: at least one.
        tls: for encryption.
        port: 0 for any free port.
    """

    def __init__(
        self, answers: Sequence[bytes | None], tls: ssl.SSLContext | None = None, port: int = 0
    ) -> None:
        self._answers = [*answers]
        self._tls = tls
        self._asked: queue.Queue[Asked] = queue.Queue()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", port or free_port()))
        self.port = self._listener.getsockname()[1]
        self.url = f"http{'' if tls is None else 's'}://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self._serve, daemon=True).start()

    def asked(self) -> Asked:
        """Wait for the next request."""
        return self._asked.get(timeout=PATIENCE_SECONDS)

    @property
    def waiting(self) -> int:
        """How many requests were not looked at."""
        return self._asked.qsize()

    def close(self) -> None:
        """Close all connections."""
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                self._open.append(self._listener.accept()[0])
                with contextlib.suppress(OSError, ValueError, KeyError):  # it has hung up
                    self._answer(self._open[-1])

    def _answer(self, client: socket.socket) -> None:
        if self._tls is not None:
            client = self._tls.wrap_socket(client, server_side=True)
            self._open.append(client)
        with client.makefile("rb") as file:
            line = file.readline().decode().strip()
            head = itertools.takewhile(bytes.strip, file)
            pairs = (each.decode().partition(":") for each in head)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            body = file.read(int(headers["content-length"]))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        self._asked.put(Asked(line, headers, body))
        if answer is not None:
            client.sendall(answer)
            client.shutdown(socket.SHUT_RDWR)
            client.close()


@contextlib.contextmanager
def hook_server(
    *answers: bytes | None, tls: ssl.SSLContext | None = None, port: int = 0
) -> Iterator[HookServer]:
    server = HookServer(answers, tls, port)
    try:
        yield server
    finally:
        server.close()
