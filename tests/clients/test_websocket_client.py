"""A daemon may answer or hang up before it was asked: the clients say why, and no traceback."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import InvalidMessage, InvalidStatus
from websockets.sync.client import ClientConnection

from emotiond.clients.pair import owner
from emotiond.clients.send_audio import events
from emotiond.clients.websocket_client import messages, messages_forever
from emotiond.exceptions import ServeError
from tests.support.accepting import accepting

REASON = b"too many connections here\n"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: %d\r\n\r\n" % len(REASON) + REASON


@contextlib.contextmanager
def answering(answer: bytes, leaves: bool) -> Iterator[str]:
    """Serve what answers each connection at once, and hangs up or stays; yield its address."""
    over = threading.Event()

    def serve(client: socket.socket) -> None:
        client.sendall(answer)
        if not leaves:
            over.wait()

    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        accepting(listener, serve, threading.Event(), None),
    ):
        try:
            yield f"ws://127.0.0.1:{listener.getsockname()[1]}/ws"
        finally:
            over.set()


@pytest.fixture(params=["as it comes", "after the answer", "after the end"])
def asking(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """When the client writes its request: on a busy machine, its reading thread may be first."""
    handshake = ClientConnection.handshake

    def late(self: ClientConnection, *arguments: Any, **options: Any) -> None:
        if request.param == "after the answer":
            self.response_rcvd.wait()
        elif request.param == "after the end":
            self.recv_events_thread.join()
        handshake(self, *arguments, **options)

    monkeypatch.setattr(ClientConnection, "handshake", late)
    return str(request.param)


def listen(url: str) -> None:
    for _ in messages(url):
        pass


def send(url: str) -> None:
    for _ in events(url, {"purpose": "live"}, []):
        pass


@pytest.mark.parametrize("connect", [listen, send])
def test_the_reason_of_a_full_daemon_is_read(asking: str, connect: Callable[[str], None]) -> None:
    with answering(BUSY, leaves=asking == "after the end") as url:
        with pytest.raises(InvalidStatus) as refused:
            connect(url)
        assert refused.value.response.body == REASON


def test_watch_and_pair_say_the_reason(asking: str, caplog: pytest.LogCaptureFixture) -> None:
    with answering(BUSY, leaves=asking == "after the end") as url:
        assert next(messages_forever(url)) == {
            "type": "disconnected",
            "detail": "too many connections here",
        }
        with pytest.raises(ServeError, match="too many connections here"), owner(url, "", None):
            pass
    assert not caplog.records  # what the library logs has a traceback


@pytest.mark.parametrize("answer", [b"", BUSY[:40], b"220 a server of another kind\r\n"])
@pytest.mark.parametrize("connect", [listen, send])
def test_who_hangs_up_is_no_websocket(
    asking: str, answer: bytes, connect: Callable[[str], None]
) -> None:
    with answering(answer, leaves=True) as url, pytest.raises((InvalidMessage, ConnectionError)):
        connect(url)
