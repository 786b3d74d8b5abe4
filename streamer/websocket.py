"""Events over WebSocket at ``/ws``, and plain HTTP beside it on the same port."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Sequence

from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from inference.exceptions import ServeError
from streamer.access import Access
from streamer.events import encode
from streamer.http import Pages, respond
from streamer.hub import Message

_log = logging.getLogger(__name__)

PATH = "/ws"
_MOST_UNREAD_BYTES = 512 * 1024  # per client; one that is further behind is dropped
_PATIENCE_SECONDS = 5.0  # for a client that holds up a lossless stream
_LARGEST_MESSAGE_BYTES = 64 * 1024
_MOST_ERRORS = 10  # of one client, before it is sent away
_CLOSE_SECONDS = 0.5
_POLICY_VIOLATION = 1008


class WebSocketServer:
    """Serves all clients of one port.

    Each message is encoded once. A client that does not read costs a bounded amount of
    memory, then it is dropped; the others never wait for it.

    Args:
        greeting: gives what a new client is sent first: ``hello`` and the last events.
        pages: what plain HTTP gets.
        access: whose requests are answered.
    """

    def __init__(self, greeting: Callable[[], Sequence[str]], pages: Pages, access: Access) -> None:
        self._greeting = greeting
        self._pages = pages
        self._access = access
        self._clients: set[ServerConnection] = set()
        self._server: Server | None = None
        self._arrival = asyncio.Condition()
        self.dropped_clients = 0
        """Sent away because they did not read."""

    @property
    def client_count(self) -> int:
        """WebSocket clients that have been greeted and are still there."""
        return len(self._clients)

    async def open(self, host: str, port: int) -> int:
        """Listen; returns the port, which for 0 is one that was free.

        Raises:
            ServeError: the address cannot be listened on.
        """
        try:
            self._server = await serve(
                self._attend,
                host,
                port,
                process_request=self._process_request,
                compression=None,  # doubles the CPU for messages this small
                max_size=_LARGEST_MESSAGE_BYTES,
                close_timeout=_CLOSE_SECONDS,
                server_header=None,
                logger=logging.getLogger("emotiond.websockets"),
            )
        except (OSError, OverflowError) as error:
            reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
            raise ServeError(
                f"cannot listen on {host} port {port} ({reason})",
                "End the program that uses it, or choose another with --port and --host",
            ) from None
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def wait_for_clients(self, count: int) -> None:
        """Wait until so many clients are there."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self._clients) >= count)

    def send(self, message: Message) -> None:
        """Pass a message to every client; drop those too far behind."""
        for client in self._clients:
            if client.transport.get_write_buffer_size() > _MOST_UNREAD_BYTES:
                self._drop(client)
        broadcast(self._clients, message.text)

    async def drained(self, wholly: bool = False) -> None:
        """Wait until every client has read enough, or all; for five seconds at most."""
        most_bytes = 0 if wholly else _MOST_UNREAD_BYTES // 2
        deadline = time.monotonic() + _PATIENCE_SECONDS
        for client in tuple(self._clients):
            while client.transport.get_write_buffer_size() > most_bytes:
                if time.monotonic() > deadline:
                    self._drop(client)
                    break
                await asyncio.sleep(0.005)  # transports have no event for this

    async def close(self) -> None:
        """Say good-bye to all clients, and close; takes half a second at most."""
        if self._server is None:
            return
        self._server.close(code=1001, reason="the daemon ends")
        try:
            await asyncio.wait_for(self._server.wait_closed(), _CLOSE_SECONDS)
        except asyncio.TimeoutError:
            for client in self._clients:
                client.transport.abort()

    def _drop(self, client: ServerConnection) -> None:
        if not client.transport.is_closing():
            self.dropped_clients += 1
            _log.warning("a WebSocket client does not read: dropped")
            client.transport.abort()

    def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        # websockets for Python 3.10 knows no method but GET, and hangs up on all others itself.
        method: str = getattr(request, "method", "GET")
        host = request.headers.get_all("Host")
        if len(host) != 1 or not self._access.host_is_known(host[0]):
            return respond(421, "unknown host name; see --allow-host\n", method)
        if request.path.partition("?")[0] != PATH:
            return self._pages.answer(method, request)
        if method != "GET":
            return respond(405, "GET opens a WebSocket here\n", method, {"Allow": "GET"})
        if "websocket" not in request.headers.get("Upgrade", "").lower():
            return respond(426, "open this with a WebSocket\n", method, {"Upgrade": "websocket"})
        origins = request.headers.get_all("Origin")
        if not all(self._access.origin_may_connect(origin, host[0]) for origin in origins):
            return respond(403, "this page may not listen; see --allow-origin\n", method)
        return None

    async def _attend(self, client: ServerConnection) -> None:
        for text in self._greeting():  # no await up to the next line: nothing is missed
            broadcast((client,), text)
        self._clients.add(client)
        async with self._arrival:
            self._arrival.notify_all()
        try:
            await self._answer(client)
        except ConnectionClosed:
            pass
        finally:
            self._clients.discard(client)

    async def _answer(self, client: ServerConnection) -> None:
        """Clients have nothing to say in this version: tell them so, but not for ever."""
        for _ in range(_MOST_ERRORS):
            await client.send(_complaint(await client.recv()))
        await client.close(_POLICY_VIOLATION, "too many messages that make no sense")


def _complaint(message: str | bytes) -> str:
    return encode({"type": "error", "code": "bad_message", "detail": _fault(message)})


def _fault(message: str | bytes) -> str:
    if isinstance(message, bytes):
        return "binary messages are not expected"
    try:
        value = json.loads(message)
    except (ValueError, RecursionError):
        return "the message is not JSON"
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        return "the message is not an object with a type"
    return "no message of this type is known"
