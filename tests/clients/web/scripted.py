"""A daemon of paper: serves ``clients/web`` and sends what a test gives it.

Indistinguishable from the real one for a browser (HTTP and WebSocket on one port, a strict content
security policy), but what it says is a script, so that every state of the page can be brought about
on purpose.
"""

from __future__ import annotations

import json
import mimetypes
import queue
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from emotiond.streamer.server.http import SECURITY_HEADERS
from tests.support.free_port import free_port

LABELS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
STRIDE_SECONDS = 0.25
EPOCH = 1795372800.0
WEB = Path(__file__).resolve().parents[3] / "clients" / "web"
TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}

_QUIET, _PATIENT = b"const QUIET_SECONDS = 3;", b"const QUIET_SECONDS = 60;"

Message = dict[str, Any]


def scores_for(label: str, share: float) -> dict[str, float]:
    """The label has its share, the others divide the rest unevenly but always alike."""
    weights = {name: 1.0 + index for index, name in enumerate(LABELS) if name != label}
    total = sum(weights.values())
    rest = {name: round((1 - share) * weight / total, 4) for name, weight in weights.items()}
    return {name: rest.get(name, share) for name in LABELS}


def emotion(
    index: int,
    label: str | None = "happy",
    *,
    state: str = "speech",
    stream: str = "mic",
    share: float = 0.8,
    raw_share: float | None = None,
    seq: int | None = None,
    **fields: object,
) -> Message:
    """The event that ends ``index + 1`` strides after the stream's beginning."""
    end = round((index + 1) * STRIDE_SECONDS, 4)
    spoken = state in ("speech", "uncertain")
    leading = label or "calm"
    message: Message = {
        "type": "emotion",
        "seq": index if seq is None else seq,
        "stream": stream,
        "start": round(max(0.0, end - 3.0), 4),
        "end": end,
        "time": EPOCH + end,
        "state": state,
        "label": label if state == "speech" else None,
        "confidence": share if state == "speech" else None,
        "scores": scores_for(leading, share) if spoken else None,
        "raw": scores_for(leading, share if raw_share is None else raw_share) if spoken else None,
        "speech_ratio": 0.92 if spoken else 0.0,
        "level_dbfs": -23.4 if spoken else -71.0,
        "age_ms": 14.2,
        "dropped_samples": 0,
    }
    return message | fields


def status(
    name: str, *, seq: int = 0, stream: str = "mic", detail: str = "", **more: object
) -> Message:
    message: Message = {
        "type": "status", "seq": seq, "stream": stream, "status": name, "detail": detail,
    }  # fmt: skip
    return message | more


def hello(
    streams: tuple[str, ...] = ("mic",), *, last: Message | None = None, **more: object
) -> Message:
    message: Message = {
        "type": "hello",
        "protocol": 1,
        "version": "0.1.0",
        "model": {"name": "full", "labels": list(LABELS), "window_seconds": 3.0, "report": None},
        "stride_seconds": STRIDE_SECONDS,
        "streams": list(streams),
        "last": last,
    }
    return message | more


CLIENT_STREAMS = {
    "max": 4, "max_file_seconds": 1800.0, "max_message_bytes": 65_536, "history": True,
}  # fmt: skip
"""Part of the hello of a daemon that takes audio from pages."""


@dataclass(frozen=True)
class Received:
    """A message from a page, and the connection that it came from."""

    message: Message
    client: ServerConnection

    def answer(self, *messages: Message) -> None:
        """Send messages to this connection alone."""
        for message in messages:
            self.client.send(json.dumps(message))

    def hang_up(self) -> None:
        """Break the connection, like a daemon that is killed."""
        self.client.socket.shutdown(socket.SHUT_RDWR)


class ScriptedDaemon:
    """One server whose clients all get the same: a greeting, then what ``send`` is given."""

    def __init__(self, greeting: Message | None = None, port: int = 0) -> None:
        self.greeting = hello() if greeting is None else greeting
        self.is_patient = True
        """Whether its page waits a minute, not 3 s, before it says that there are no updates: on a
        busy machine, a test may take longer for what it looks at."""
        self._clients: set[ServerConnection] = set()
        self._received: queue.Queue[Received] = queue.Queue()
        self.pings: queue.Queue[Message] = queue.Queue()
        """The pings of all pages. Each was answered."""
        self._changed = threading.Condition()
        self._server: Server = serve(
            self._serve,
            "127.0.0.1",
            port or free_port(),
            process_request=self._answer,
            compression=None,
        )
        self.port: int = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def wait_for_clients(self, count: int = 1, timeout_seconds: float = 60.0) -> None:
        """Return once ``count`` pages have been greeted."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._clients) >= count, timeout_seconds):
                raise TimeoutError(f"{count} page(s) expected, {len(self._clients)} connected")

    def send(self, *messages: Mapping[str, Any] | str) -> None:
        """Send messages to every page, in order. A string is sent unchanged, valid or not."""
        with self._changed:
            clients = tuple(self._clients)
        for message in messages:
            text = message if isinstance(message, str) else json.dumps(message)
            for client in clients:
                with suppress(ConnectionClosed):  # a page that was reloaded
                    client.send(text)

    def receive(self, kind: str, timeout_seconds: float = 60.0) -> Received:
        """Return the next message of a type from any page, and discard those before it."""
        while (received := self._received.get(timeout=timeout_seconds)).message["type"] != kind:
            pass
        return received

    def stop(self) -> None:
        """Frees the port and cuts every page off, as a daemon that is stopped does."""
        self._server.shutdown()
        with self._changed:
            clients = tuple(self._clients)
        for client in clients:
            client.close(1001)
        self._thread.join()

    def _serve(self, client: ServerConnection) -> None:
        try:
            with self._changed:  # who shows the greeting gets what is sent next
                client.send(json.dumps(self.greeting))
                self._clients.add(client)
                self._changed.notify_all()
            for message in client:
                said: Message = (
                    json.loads(message)
                    if isinstance(message, str)
                    else {"type": "audio", "content": message}
                )
                if said["type"] == "ping":
                    client.send('{"type":"pong"}')
                    self.pings.put(said)
                    continue
                self._received.put(Received(said, client))
        except ConnectionClosed:
            pass
        finally:
            with self._changed:
                self._clients.discard(client)

    def _answer(self, _: ServerConnection, request: Request) -> Response | None:
        path = unquote(urlsplit(request.path).path)
        if path == "/ws":
            return None
        file = (WEB / (path.lstrip("/") or "index.html")).resolve()
        found = file.is_file() and file.is_relative_to(WEB)
        kind = TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "text/plain"
        body = file.read_bytes() if found else b"not found\n"
        if file.name == "situation.js" and self.is_patient:
            assert _QUIET in body
            body = body.replace(_QUIET, _PATIENT)
        outcome = HTTPStatus.OK if found else HTTPStatus.NOT_FOUND
        headers = Headers(
            {
                "Content-Type": f"{kind}; charset=utf-8" if found else "text/plain",
                "Content-Length": str(len(body)),
                **SECURITY_HEADERS,
                "Connection": "close",
            }
        )
        return Response(outcome.value, outcome.phrase, headers, body)


@contextmanager
def scripted_daemon(greeting: Message | None = None, port: int = 0) -> Iterator[ScriptedDaemon]:
    daemon = ScriptedDaemon(greeting, port)
    try:
        yield daemon
    finally:
        daemon.stop()
