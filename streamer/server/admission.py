"""Decides what a request on the port gets: a WebSocket, events, a page, or a refusal."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from emotiond.streamer.server.access import Access, Proof
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.server.event_stream import EventStreamHead, comes_from_another_site
from emotiond.streamer.server.forwarding import WAYS, Proxies, Visitor
from emotiond.streamer.server.http import (
    BUSY,
    EVENTS,
    Pages,
    reading_only,
    redirect,
    respond,
    token_wanted,
)
from emotiond.streamer.server.occupancy import Occupancy
from emotiond.streamer.server.pairing import Pairing
from emotiond.streamer.server.refusals import Refusals

PATH = "/ws"


class Admission:
    """Looks at the head of each request, before anything is opened for it.

    Args:
        access: decides which hosts, origins and tokens are allowed.
        pages: answers plain HTTP.
        proxies: the reverse proxies that are believed who their visitors are.
        pairing: knows the connections of each device.
        occupancy: counts the connections of each visitor.
    """

    def __init__(
        self,
        access: Access,
        pages: Pages,
        proxies: Proxies,
        pairing: Pairing,
        occupancy: Occupancy,
    ) -> None:
        self._access = access
        self._pages = pages
        self._proxies = proxies
        self._pairing = pairing
        self._occupancy = occupancy
        self._refusals = Refusals()
        self.requests = Counter(dict.fromkeys(WAYS, 0))
        """Number of requests, by the way that they came."""

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Return the answer, which may be the head of an event stream; None opens a WebSocket."""
        # websockets for Python 3.10 knows only GET, and closes the connection at HEAD.
        method: str = getattr(request, "method", "GET")
        host, reached = request.headers.get_all("Host"), reached_address(connection)
        if not reached:  # lost meanwhile: which names were right is not known any more
            return respond(421, "the connection is lost\n", method)
        if len(host) != 1 or not self._access.host_is_known(host[0], reached):
            reason = self._refusals.of_host(host[0] if len(host) == 1 else "")
            return respond(421, f"{reason}\n", method)
        proof = self._access.bearer_proof(request.headers.get_all("Authorization"))
        trusted = proof is not None
        if proof is not None:
            if not self._pairing.has_room(proof):
                self._occupancy.refused += 1
                return respond(503, BUSY, method, {"Retry-After": "10"})
            self.trust(connection, proof)
        visitor = self._visitor(connection, request)
        if not self._occupancy.move(_descriptor(connection), visitor.address):
            return respond(503, BUSY, method, {"Retry-After": "10"})
        path = visitor.inner_path(request.path)
        if path is None:
            return redirect(f"{visitor.base_path}/", method)
        place = path.partition("?")[0]
        if place == EVENTS:
            return self._open_events(connection, request, method, visitor, trusted)
        if place != PATH:
            return self._pages.answer(method, replace(request, path=path), trusted)
        refused = self._refused_handshake(method, request, host[0], visitor)
        if refused is None:
            assert isinstance(connection, Connection)
            connection.knows_token = trusted
            connection.limited_as = visitor.address if self._access.token is None else None
        return refused

    def _visitor(self, connection: ServerConnection, request: Request) -> Visitor:
        """Return and count whose a request is."""
        peer, reached = connection.remote_address, reached_address(connection)
        visitor = self._proxies.visitor(str(peer[0]) if peer else "", reached, request.headers)
        self.requests[visitor.way] += 1
        return visitor

    def _refused_handshake(
        self, method: str, request: Request, host: str, visitor: Visitor
    ) -> Response | None:
        """Return why a request opens no WebSocket; None if it does."""
        if method != "GET":
            return respond(405, "GET opens a WebSocket here\n", method, {"Allow": "GET"})
        is_upgrade = [value.lower() for value in request.headers.get_all("Upgrade")] == [
            "websocket"
        ]
        origins = request.headers.get_all("Origin")
        if not is_upgrade:  # a page asks why it was refused; its own requests name no origin
            origins = [*origins, *parse_qs(urlsplit(request.path).query).get("origin", ())]
        for origin in origins:
            if not self._access.origin_may_connect(origin, host, visitor.is_encrypted):
                return respond(403, f"{self._refusals.of_origin(origin)}\n", method)
        if not is_upgrade:
            return respond(426, "open this with a WebSocket\n", method, {"Upgrade": "websocket"})
        return None

    def _open_events(
        self,
        connection: ServerConnection,
        request: Request,
        method: str,
        visitor: Visitor,
        trusted: bool,
    ) -> Response:
        """Answer a request for server-sent events. Its ``Host`` is known."""
        if method not in ("GET", "HEAD"):
            return reading_only()
        host, origins = request.headers["Host"], request.headers.get_all("Origin")
        for origin in origins:  # "null" may open a WebSocket, but cannot read an answer
            known = self._access.origin_may_connect(origin, host, visitor.is_encrypted)
            if not known or origin.lower() == "null":
                return respond(403, f"{self._refusals.of_origin(origin)}\n", method)
        if comes_from_another_site(request.headers.get_all("Sec-Fetch-Site"), origins):
            return respond(403, "another page asks without saying which\n", method)
        readable = self._pages.readable(origins)
        if not trusted:
            return token_wanted(method, readable)
        assert isinstance(connection, Connection)
        connection.only_reads = method == "GET"
        return EventStreamHead(readable, opens=method == "GET")

    def trust(self, connection: ServerConnection, proof: Proof) -> None:
        """Note whose token a client has shown."""
        assert isinstance(connection, Connection)
        self._occupancy.trust(_descriptor(connection))
        self._pairing.enter(connection, proof)


def _descriptor(connection: ServerConnection) -> int:
    descriptor: int = connection.transport.get_extra_info("socket").fileno()
    return descriptor


def reached_address(connection: ServerConnection) -> str:
    """Return the address of this machine that the client connected to."""
    reached = connection.local_address
    return str(reached[0]) if reached else ""
