"""Serves events over WebSocket at ``/ws`` and plainly at ``/events``, and HTTP on that port."""

from __future__ import annotations

import asyncio
import errno
import functools
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.http11 import Response

from emotiond.exceptions import ServeError
from emotiond.streamer.hub import Message
from emotiond.streamer.protocol.requests import (
    Auth,
    Ping,
    Redeem,
    Request,
    RequestError,
    SenselessError,
    parse,
    type_of,
)
from emotiond.streamer.server.access import Access
from emotiond.streamer.server.admission import Admission, reached_address
from emotiond.streamer.server.connection import (
    PATIENCE_SECONDS,
    POLICY_VIOLATION,
    TOKEN_WANTED,
    TRY_LATER,
    Connection,
)
from emotiond.streamer.server.event_stream import EventStreams
from emotiond.streamer.server.forwarding import NO_PROXIES, Proxies
from emotiond.streamer.server.http import Pages
from emotiond.streamer.server.limits import Limits
from emotiond.streamer.server.listener import Listener, open_listeners, openable_host
from emotiond.streamer.server.occupancy import Occupancy
from emotiond.streamer.server.pairing import NOT_OFFERED, Pairing
from emotiond.streamer.server.preflight import answer_preflight

Handler = Callable[[Connection, Any], Awaitable[None]]
"""Handles a request of a client. It may raise :class:`RequestError`."""

_OFFENCES = ("request", "token", "size", "rate", "senseless", "unread", "ping")
_NO_ADDRESS_OF_OURS = (
    errno.EADDRNOTAVAIL, errno.EINVAL, errno.ENODEV, socket.EAI_NONAME, socket.EAI_FAMILY
)  # fmt: skip
_LONGEST_REASON = 40  # characters of the reason for closing, which may have 123 bytes
_SPARE_BYTES = 16 * 1024  # for a status of a client's stream: a slow client should see it end
_SWEEPS = 10  # checks for clients that do not read, per ``unread_seconds``


class WebSocketServer:
    """Serves all clients of one port.

    Each message is framed once. A client that does not read costs a bounded amount of memory
    and is then dropped. The other clients never wait for it.

    A new server listens, so that the port is taken, but it accepts no connection before
    :meth:`serve`. Until then, the system queues them.

    Args:
        host: the name or address to listen on.
        port: 0 for any free port.
        greeting: returns the first messages for a new client: ``hello`` and the last events.
        pages: answers plain HTTP.
        access: decides which requests are allowed.
        limits: the limits of all clients.
        tls: the context for encryption, if any.
        handlers: the handler of each class of request.
        on_leave: called with every connection that has ended, perhaps more than once.
        proxies: the reverse proxies that are believed who their visitors are.
        pairing: pairs devices, and knows their connections.

    Raises:
        ServeError: the address cannot be used.
    """

    def __init__(
        self,
        host: str,
        port: int,
        greeting: Callable[[], Sequence[str]],
        pages: Pages,
        access: Access,
        limits: Limits = Limits(),  # noqa: B008
        tls: ssl.SSLContext | None = None,
        handlers: Mapping[type[Request], Handler] = MappingProxyType({}),
        on_leave: Callable[[Connection], None] = lambda _: None,
        proxies: Proxies = NO_PROXIES,
        pairing: Pairing | None = None,
    ) -> None:
        self.pairing = Pairing(None, NOT_OFFERED) if pairing is None else pairing
        """Pairs devices."""
        self._greeting = greeting
        self._access = access
        self._handlers = {**handlers, **self.pairing.handlers}
        self._on_leave = on_leave
        self._limits = limits
        self._tls = tls
        self._clients: dict[Connection, None] = {}  # in the order in which they get an event
        self.event_streams = EventStreams(greeting, limits)
        self._servers: list[Server] = []
        self._arrival = asyncio.Condition()
        self.occupancy = Occupancy(limits.connections, access.token is not None)
        """All connections, including those before the greeting and those of plain HTTP."""
        self.offences = Counter(dict.fromkeys(_OFFENCES, 0))
        """Number of disconnected clients, by cause."""
        self._admission = Admission(access, pages, proxies, self.pairing, self.occupancy)
        self.requests = self._admission.requests
        """Number of requests, by the way that they came."""
        try:
            self._listeners = open_listeners(host, port, self.occupancy, tls is not None, proxies)
        except (OSError, OverflowError, UnicodeError) as error:
            reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
            raise ServeError(
                f"cannot listen on {host} port {port} ({reason})", _remedy(error)
            ) from None
        self.host: str = openable_host(host, self._listeners)
        """What reaches the server from this machine, as it stands in a URL."""
        self.port: int = self._listeners[0].getsockname()[1]
        """The port that the server listens on."""
        self._sweeping = self._schedule_sweep()

    @property
    def client_count(self) -> int:
        """Number of connected WebSocket clients after their greeting."""
        return len(self._clients)

    @property
    def dropped_clients(self) -> int:
        """Number of clients that were dropped because they did not read."""
        return self.offences["unread"]

    async def serve(self) -> None:
        """Accept connections from now on."""
        for listener in self._listeners:
            self._servers.append(await self._serve(listener))

    async def wait_for_clients(self, count: int) -> None:
        """Wait until so many clients are connected."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self._clients) >= count)

    def send(self, message: Message) -> None:
        """Send a message, framed once, to every client. Clients too far behind are dropped.

        Those who have answered a ping come first, then the others, each in the order of arrival:
        a crowd of newcomers does not delay those who were there.
        What one client publishes costs no other its connection: a slow one misses it.
        """
        frame = Frame(Opcode.TEXT, message.content).serialize(mask=False)
        spare_bytes = _SPARE_BYTES if message.type == "status" else 0
        for client in self._clients:
            if message.publisher is None or message.publisher is client:
                client.send_frame(frame)
            else:
                client.offer_frame(frame, spare_bytes)
        self.event_streams.send(message)

    async def drained(self, wholly: bool = False) -> None:
        """Wait until every client has read enough or, if ``wholly``, everything; 5 s at most."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        for client in (*self._clients, *self.event_streams.readers):
            await client.caught_up(wholly, deadline)

    async def close(self) -> None:
        """Close the listeners and all connections. This takes half a second at most."""
        self._sweeping.cancel()
        for server in self._servers:
            server.close(code=1001, reason="the daemon ends")
        for listener in self._listeners[len(self._servers) :]:
            listener.close()
        ends = asyncio.gather(
            self.pairing.close(), *(server.wait_closed() for server in self._servers)
        )
        try:
            await asyncio.wait_for(ends, self._limits.close_seconds)
        except asyncio.TimeoutError:
            for client in (*self._clients, *self.event_streams.readers):
                client.transport.abort()

    async def _serve(self, listener: Listener) -> Server:
        options: dict[str, Any] = {
            "create_connection": functools.partial(
                Connection, self._limits, self.offences, self._leave, self._answer_options
            )
        }
        if self._tls is not None:
            options["ssl"] = self._tls
            options["ssl_handshake_timeout"] = self._limits.handshake_seconds
        return await serve(
            self._serve_client,
            sock=listener,
            process_request=self._admission.answer,
            open_timeout=self._limits.handshake_seconds,
            ping_interval=self._limits.ping_seconds,
            ping_timeout=self._limits.ping_seconds,
            close_timeout=self._limits.close_seconds,
            compression=None,  # doubles the CPU for messages this small
            max_size=self._limits.message_bytes,
            max_queue=2,
            server_header=None,
            logger=logging.getLogger("emotiond.websockets"),
            **options,
        )

    def _sweep(self) -> None:
        """Drop the clients that read too slowly ever to catch up; let the others come first."""
        for client in (*self._clients, *self.event_streams.readers):
            client.drop_if_stalled()
        self._clients = dict.fromkeys(sorted(self._clients, key=lambda each: not each.reads))
        self._sweeping = self._schedule_sweep()

    def _schedule_sweep(self) -> asyncio.TimerHandle:
        pause_seconds = self._limits.unread_seconds / _SWEEPS
        return asyncio.get_running_loop().call_later(pause_seconds, self._sweep)

    def _answer_options(self, connection: Connection, head: bytes) -> Response:
        return answer_preflight(head, self._access, reached_address(connection))

    def _leave(self, client: Connection) -> None:
        self.pairing.leave(client)
        self._on_leave(client)

    async def _serve_client(self, client: ServerConnection) -> None:
        assert isinstance(client, Connection)
        if client.only_reads:
            await self.event_streams.serve(client)
            return
        try:
            if not client.knows_token and not await self._authenticates(client):
                return
            for text in self._greeting():  # no await before the next line: no event is missed
                client.send_text(text)
            self._clients[client] = None
            async with self._arrival:
                self._arrival.notify_all()
            await self._answer(client)
        except ConnectionClosed:
            pass
        finally:
            self._clients.pop(client, None)
            self._leave(client)  # again: a request may have been handled after the loss

    async def _authenticates(self, client: Connection) -> bool:
        """Wait for the token. A client without it is disconnected."""
        reason = "the token is missing or wrong"
        try:
            first = parse(await asyncio.wait_for(client.recv(), self._limits.token_seconds))
            proof, told = None, None
            if isinstance(first, Auth):
                proof = self._access.proof(first.token)
            elif isinstance(first, Redeem):
                reason = "the code is wrong, used or too old"
                proof, told = await self.pairing.redeem(first.code) or (None, None)
            if proof is not None and told is None and not self.pairing.has_room(proof):
                self.occupancy.refused += 1
                await client.close(TRY_LATER, "this device has too many connections")
                return False
            if proof is not None:
                self._admission.trust(client, proof)
                if told is not None:
                    client.send_json(told)
                return True
        except SenselessError:
            pass
        except RequestError as error:
            reason = error.problem[:_LONGEST_REASON]
        except asyncio.TimeoutError:
            reason = "no token came in time"
        self.offences["token"] += 1
        await client.close(TOKEN_WANTED, reason)
        return False

    async def _answer(self, client: Connection) -> None:
        """Handle the requests of a client in order, until too many of them make no sense."""
        senseless = 0
        while senseless < self._limits.senseless_messages:
            await asyncio.sleep(0)  # recv does not wait for messages that are there
            message, about = await client.recv(), None
            try:
                request = parse(message)
                about = type_of(request)
                if isinstance(request, Ping):
                    client.send_json({"type": "pong"})
                elif not isinstance(request, Auth):  # a token is always allowed
                    await self._handlers[type(request)](client, request)
            except RequestError as error:
                client.send_json(error.to_json(about))
                senseless += isinstance(error, SenselessError)
        self.offences["senseless"] += 1
        await client.close(POLICY_VIOLATION, "too many messages that make no sense")


def _remedy(error: Exception) -> str:
    """Return what to do if an address cannot be opened."""
    if isinstance(error, OSError) and error.errno in _NO_ADDRESS_OF_OURS:
        return (
            "Give --host an address of this machine, or 127.0.0.1, ::1, 0.0.0.0 or ::; an address "
            "that begins with fe80 needs its interface: fe80::1%eth0"
        )
    return "End the program that uses it, or choose others with --port, --host and --zmq"
