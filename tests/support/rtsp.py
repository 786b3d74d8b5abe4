"""A server of RTSP on loopback that answers as it is told, also what no server would."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.support.accepting import accepting
from tests.support.free_port import free_port
from tests.support.rtp import description, sound

Reply = bytes | Callable[[str], bytes]
"""The answer to a request, or what makes it from the request."""


def ok(*headers: str, content: bytes = b"", status: str = "200 OK") -> bytes:
    """Return an answer."""
    length = [f"Content-Length: {len(content)}"] if content else []
    lines = [f"RTSP/1.0 {status}", "CSeq: 1", *headers, *length, "", ""]
    return "\r\n".join(lines).encode() + content


GOOD: Mapping[str, Reply] = {
    "OPTIONS": ok("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"),
    "DESCRIBE": ok("Content-Type: application/sdp", content=description("0")),
    "SETUP": ok("Session: 12345678", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"),
    "PLAY": ok(),
}
"""What a good server answers, by method."""


@dataclass
class Server:
    """A server of RTSP."""

    port: int
    requests: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    """Whether a connection has ended."""

    @property
    def url(self) -> str:
        """The address of its stream."""
        return f"rtsp://127.0.0.1:{self.port}/live"

    @property
    def methods(self) -> list[str]:
        """What has been asked for."""
        return [request.partition(" ")[0] for request in self.requests]


@contextlib.contextmanager
def serving_rtsp(
    replies: Mapping[str, Reply] | None = None,
    then: bytes = b"",
    port: int = 0,
    pem: ssl.SSLContext | None = None,
) -> Iterator[Server]:
    """Serve until the end, which ends all connections.

    Args:
        replies: instead of those of a good server.
        then: is sent after the answer to ``PLAY``.
        port: to listen at.
        pem: for TLS.
    """
    script = {**GOOD, **(replies or {})}
    with socket.create_server(("127.0.0.1", port or free_port())) as listener:
        server = Server(listener.getsockname()[1])

        def serve(asked: socket.socket) -> None:
            _answer(asked, server, script, then)

        with accepting(listener, serve, server.ended, pem):
            yield server


def _answer(asked: socket.socket, server: Server, script: Mapping[str, Reply], then: bytes) -> None:
    came = b""
    while True:
        while b"\r\n\r\n" not in came:
            new = asked.recv(4096)
            if not new:
                return
            came += new
        head, _, came = came.partition(b"\r\n\r\n")
        server.requests.append(head.decode())
        method = server.methods[-1]
        reply = script.get(method, ok())
        asked.sendall(reply if isinstance(reply, bytes) else reply(server.requests[-1]))
        if method == "PLAY":
            asked.sendall(then)


SOUND = b"".join(sound("PCMU", 1.0))
"""A second of a tone in mu-law, as the description of a good server says."""
