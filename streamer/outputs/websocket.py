"""The WebSocket port as an output: its settings, its reach, and how it is opened."""

from __future__ import annotations

import functools
import ipaddress
import logging
import platform
import re
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from emotiond.exceptions import ConfigError, install
from emotiond.streamer.options import Option
from emotiond.streamer.outputs.output import About, Opener, Output, OutputKind, Surroundings
from emotiond.streamer.reach import Reach, audience, is_loopback
from emotiond.streamer.server.access import Access
from emotiond.streamer.server.forwarding import parse_proxies
from emotiond.streamer.server.limits import Limits, affordable_connections

if TYPE_CHECKING:
    from emotiond.streamer.server.websocket_server import WebSocketServer

# Extensions and apps have schemes of their own. A page's socket has another scheme than the page.
_ORIGIN = re.compile(r"(?!wss?:)[a-z][a-z0-9+.-]*://[^/\s*;,@?#]+/?", re.IGNORECASE)
_NO_ORIGIN = "null"  # what browsers send for a page on disk, and for many others
_log = logging.getLogger(__name__)

_NAME = re.compile(r"[^/:\s\[\]]+")  # of a host, or an address of IPv4
_MOST_CONNECTIONS = 100_000


@dataclass(frozen=True)
class WebSocketSettings:
    """The settings of the port for the page and for WebSocket clients."""

    wait_clients: int = 0
    """Number of clients to wait for before the sources start."""
    host: str = "127.0.0.1"
    port: int = 8765
    """0 for any free port."""
    allow_origin: tuple[str, ...] = ()
    """Origins of web pages elsewhere that may listen."""
    allow_host: tuple[str, ...] = ()
    """Further host names of the daemon."""
    max_connections: int = Limits.connections
    """Largest number of connections, for web pages and WebSocket clients together."""
    token_file: str | None = None
    """File with the token that clients must send; None for open access."""
    tls_cert: str | None = None
    """Certificate chain in PEM; None for no encryption."""
    tls_key: str | None = None
    """The certificate's key, in PEM."""
    trust_proxy: tuple[str, ...] = ()
    """Addresses or networks of the reverse proxies that are believed who their visitors are."""
    paired: str | None = None
    """File with the paired devices; None for one in the user's data folder."""
    announce: bool = False
    """Whether to announce the page and the host's name in the network, by mDNS."""


def _check(settings: WebSocketSettings) -> None:
    for origin in settings.allow_origin:
        if origin != _NO_ORIGIN and not _ORIGIN.fullmatch(origin):
            raise ConfigError(
                f"allow_origin cannot be {origin!r}",
                "Use http://NAME, https://NAME or https://NAME:PORT, without a path",
            )
    for host in settings.allow_host:
        if not _is_host(host):
            raise ConfigError(f"allow_host cannot be {host!r}", "Use a name, without the port")
    for proxy in settings.trust_proxy:
        try:
            parse_proxies([proxy])
        except ValueError as error:
            raise ConfigError(
                f"trust_proxy cannot be {proxy!r} ({error})",
                "Use the proxy's address or network: 127.0.0.1, or 172.30.32.0/23",
            ) from None
    if not _is_host(settings.host):
        raise ConfigError(
            f"host cannot be {settings.host!r}",
            "Use an address or a name, without the port: --host ::1 --port 8765",
        )
    if settings.announce and is_loopback(_bare(settings.host)):
        raise ConfigError(
            f"only this machine reaches {settings.host}, so it cannot be announced",
            "Leave --announce out, or listen for others: --host 0.0.0.0",
        )
    if not 0 <= settings.port <= 65_535:
        raise ConfigError(f"port cannot be {settings.port}", "Use 0 to 65535")
    if settings.wait_clients < 0:
        raise ConfigError("wait_clients cannot be negative", "Use 0 or more")
    if not 1 <= settings.max_connections <= _MOST_CONNECTIONS:
        raise ConfigError(
            f"max_connections cannot be {settings.max_connections}", f"Use 1 to {_MOST_CONNECTIONS}"
        )


def _bare(host: str) -> str:
    """Return a host without the brackets of an IPv6 address."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def _is_host(text: str) -> bool:
    """Return whether a text is a name or an address, one of IPv6 with or without brackets."""
    if ":" not in text:
        return _NAME.fullmatch(text) is not None
    try:
        return ipaddress.ip_address(_bare(text)).version == 6
    except ValueError:
        return False


def _reach(settings: WebSocketSettings) -> Reach:
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise ConfigError("TLS wants a certificate and its key", "Give --tls-cert and --tls-key")
    host, warnings = _bare(settings.host), []
    if settings.token_file is None:
        warnings.append(f"anyone who can reach {host} can listen; --token-file changes that")
    if settings.tls_cert is None:
        warnings.append(f"on {host} nothing is encrypted; --tls-cert changes that")
    return Reach(
        host,
        place=host,
        danger="other machines could listen without being asked who they are",
        is_protected=settings.token_file is not None,
        protection="Give clients a token with --token-file FILE",
        at_home="--host 127.0.0.1",
        warnings=warnings,
    )


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
        from emotiond.streamer.server.prometheus import metric
        from emotiond.streamer.server.websocket_server import PATH

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


def _audience(settings: WebSocketSettings) -> str:
    """Return who can listen where no token is wanted."""
    proxies = " and ".join(settings.trust_proxy)
    behind = f", and all whom the proxy at {proxies} lets in" if proxies else ""
    return f"{audience(_bare(settings.host))}{behind}"


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
    host = _bare(settings.host)
    if _NO_ORIGIN in settings.allow_origin and token is None:
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
        )
        server = WebSocketServer(
            host,
            settings.port,
            around.greeting,
            Pages(around.health, around.metrics, access.web_origins),
            access,
            replace(around.limits, connections=connections),
            tls,
            around.handlers,
            around.on_leave,
            parse_proxies(settings.trust_proxy),
            pairing,
        )
        page = f"http{'' if tls is None else 's'}://{server.host}:{server.port}/"
        open_to = "those with the token" if token is not None else _audience(settings)
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
    check=_check,
    reach=_reach,
    prepare=_prepare,
    queue="websocket_clients",
    close_seconds=Limits.close_seconds,
    carries_stand_in=True,
)
