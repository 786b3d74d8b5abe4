"""The WebSocket port as an output, and how it is opened."""

from __future__ import annotations

import functools
import logging
import platform
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from emotiond.exceptions import ConfigError, install
from emotiond.streamer.options import Option
from emotiond.streamer.outputs.output import About, Opener, Output, OutputKind, Surroundings
from emotiond.streamer.outputs.websocket_settings import (
    NO_ORIGIN,
    WebSocketSettings,
    audience_of,
    bare,
    check_settings,
    reach_of,
)
from emotiond.streamer.server.access import Access
from emotiond.streamer.server.forwarding import parse_proxies
from emotiond.streamer.server.limits import Limits, affordable_connections

if TYPE_CHECKING:
    from emotiond.streamer.server.websocket_server import WebSocketServer

_log = logging.getLogger(__name__)


class WebSocketOutput:
    """The port as an output.

    Args:
        server: the server of the port.
        page: the address of the web page.
        wait_clients: the number of clients that the first event waits for.
        open_to: who can listen, for the announcement.
        announcement: what tells the network of the page while it is entered.
    """

    def __init__(
        self,
        server: WebSocketServer,
        page: str,
        wait_clients: int,
        open_to: str,
        announcement: AbstractAsyncContextManager[None],
    ) -> None:
        self._announcement = announcement
        self._closing = AsyncExitStack()
        self._server = server
        self._page = page
        self._open_to = open_to
        self._wait_clients = wait_clients
        self.failure: str | None = None
        self.send = server.send
        self.drained = server.drained

    @property
    def dropped(self) -> int:
        """Number of clients that were dropped because they did not read."""
        return self._server.dropped_clients

    def about(self) -> About:
        """Return the addresses, and the numbers of connected and of refused clients."""
        from emotiond.streamer.server.admission import PATH
        from emotiond.streamer.server.prometheus import metric

        server, occupancy = self._server, self._server.occupancy
        refused = {**server.offences, "connections": occupancy.refused}
        counts = [(float(count), {"reason": reason}) for reason, count in refused.items()]
        ways = [(float(count), {"way": way}) for way, count in server.requests.items()]
        return About(
            page=self._page,
            hello={"pairing": server.pairing.is_possible},
            address=f"WebSocket ws{self._page.removeprefix('http').removesuffix('/')}{PATH}",
            open_to=self._open_to,
            health={
                "clients": server.client_count,
                "event_streams": server.event_streams.count,
                "connections": {
                    "open": occupancy.count,
                    "limit": occupancy.limit,
                    "refused": occupancy.refused,
                },
                "sent_away": dict(server.offences),
                "requests": dict(server.requests),
            },
            metrics=(
                metric(
                    "emotiond_clients", "gauge", "WebSocket clients.", (server.client_count, {})
                ),
                metric(
                    "emotiond_event_streams",
                    "gauge",
                    "Clients that read /events.",
                    (server.event_streams.count, {}),
                ),
                metric("emotiond_connections", "gauge", "Open connections.", (occupancy.count, {})),
                metric(
                    "emotiond_connections_limit",
                    "gauge",
                    "Most connections at a time.",
                    (occupancy.limit, {}),
                ),
                metric(
                    "emotiond_refused_total", "counter", "Clients disconnected by a limit.", *counts
                ),
                metric(
                    "emotiond_requests_total",
                    "counter",
                    "Requests of known hosts, by the proxies between.",
                    *ways,
                ),
            ),
        )

    async def ready(self) -> None:
        """Accept connections, and wait for the clients that the first event waits for."""
        await self._server.serve()
        await self._closing.enter_async_context(self._announcement)
        await self._server.wait_for_clients(self._wait_clients)

    async def close(self, timeout_seconds: float) -> None:
        """Close the listeners and all connections, in the time that the limits allow."""
        self._closing.push_async_callback(self._server.close)  # the last one in is the first
        await self._closing.aclose()


def _announcement(
    is_wanted: bool, is_encrypted: bool, host: str, port: int
) -> AbstractAsyncContextManager[None]:
    if not is_wanted:
        return nullcontext()
    try:
        from emotiond.streamer.announcement import announced
    except ModuleNotFoundError:
        raise ConfigError("--announce needs the package zeroconf", install("zeroconf")) from None
    return announced("_https._tcp" if is_encrypted else "_http._tcp", host, port, "the page")


def _prepare(settings: WebSocketSettings) -> Opener:
    from emotiond.streamer.outputs.websocket_pairing import (
        device_host,
        fingerprint,
        open_devices,
        pairing_refusal,
    )
    from emotiond.streamer.server.credentials import make_tls, read_token
    from emotiond.streamer.server.devices import Devices

    token = None if settings.token_file is None else read_token(Path(settings.token_file))
    host = bare(settings.host)
    if NO_ORIGIN in settings.allow_origin and token is None:
        _log.warning(
            "with --allow-origin null, any web page that this machine's browser opens can listen, "
            "in a frame without an origin; --token-file changes that"
        )
    cert, key = settings.tls_cert, settings.tls_key
    tls = None if cert is None or key is None else make_tls(Path(cert), Path(key))
    paired = None if settings.paired is None else Path(settings.paired)
    refusal = pairing_refusal(host, token is not None, tls is not None)
    found = refusal if refusal is not None else open_devices(paired, settings.port)
    devices = found if isinstance(found, Devices) else None
    own_names = (f"{platform.node().partition('.')[0]}.local",) if settings.announce else ()
    access = Access(host, (*settings.allow_host, *own_names), settings.allow_origin, token, devices)

    async def open_server(around: Surroundings) -> Output:
        from emotiond.streamer.server.http import Pages
        from emotiond.streamer.server.pairing import Pairing
        from emotiond.streamer.server.websocket_server import WebSocketServer

        connections = affordable_connections(settings.max_connections)
        pairing = Pairing(
            devices,
            None if isinstance(found, Devices) else found,
            functools.partial(device_host, host, settings.allow_host),
            "" if devices is None or cert is None else fingerprint(Path(cert)),
            connections,
        )
        server = WebSocketServer(
            host,
            settings.port,
            around.greeting,
            Pages(around.health, around.metrics, access.web_origins, around.model_report),
            access,
            replace(around.limits, connections=connections),
            tls,
            around.handlers,
            around.on_leave,
            parse_proxies(settings.trust_proxy),
            pairing,
        )
        page = f"http{'' if tls is None else 's'}://{server.host}:{server.port}/"
        open_to = "those with the token" if token is not None else audience_of(settings)
        announcement = _announcement(settings.announce, tls is not None, host, server.port)
        return WebSocketOutput(server, page, settings.wait_clients, open_to, announcement)

    return open_server


WEBSOCKET = OutputKind(
    "WebSocket",
    WebSocketSettings,
    options=(
        Option(
            "--wait-clients", "start after N WebSocket clients have connected", "N", after="--once"
        ),
        Option(
            "--host", f"address to listen on (default: {WebSocketSettings.host})", after="--config"
        ),
        Option("--port", f"port of the page and the WebSocket (default: {WebSocketSettings.port})"),
        Option(
            "--allow-origin",
            "origin of a web page that may connect; null: pages on disk; repeat it for several",
            "URL",
        ),
        Option("--allow-host", "further name of this host; repeat it for several", "NAME"),
        Option("--token-file", "file with the token that clients must send", "FILE"),
        Option("--tls-cert", "TLS certificate in PEM, for https and wss", "FILE"),
        Option("--tls-key", "private key of the certificate, in PEM", "FILE"),
        Option(
            "--trust-proxy",
            "reverse proxy, or its network, to believe who visits; repeat it for several",
            "ADDRESS",
        ),
        Option(
            "--paired",
            "file of the devices that 'emotiond pair' has let in (default: in the data folder)",
            "FILE",
        ),
        Option("--announce", "announce the page and this host's name in the network, by mDNS"),
        Option(
            "--max-connections",
            f"most connections at a time (default: {WebSocketSettings.max_connections})",
            "N",
            after="--insecure",
        ),
    ),
    check=check_settings,
    reach=reach_of,
    prepare=_prepare,
    queue="websocket_clients",
    close_seconds=Limits.close_seconds,
    carries_stand_in=True,
)
