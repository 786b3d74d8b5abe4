"""The settings of the WebSocket port: what is possible, and who is reached by it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from emotiond.exceptions import ConfigError
from emotiond.streamer.reach import Reach, audience, is_loopback
from emotiond.streamer.server.forwarding import parse_proxies
from emotiond.streamer.server.limits import Limits

# Extensions and apps have schemes of their own. A page's socket has another scheme than the page.
_ORIGIN = re.compile(r"(?!wss?:)[a-z][a-z0-9+.-]*://[^/\s*;,@?#]+/?", re.IGNORECASE)
NO_ORIGIN = "null"
"""What browsers send as origin for a page on disk, and for many others."""
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


def check_settings(settings: WebSocketSettings) -> None:
    """Refuse settings that make no sense.

    Raises:
        ConfigError: a value is impossible.
    """
    for origin in settings.allow_origin:
        if origin != NO_ORIGIN and not _ORIGIN.fullmatch(origin):
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
    if settings.announce and is_loopback(bare(settings.host)):
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


def bare(host: str) -> str:
    """Return a host without the brackets of an IPv6 address."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def _is_host(text: str) -> bool:
    """Return whether a text is a name or an address, one of IPv6 with or without brackets."""
    if ":" not in text:
        return _NAME.fullmatch(text) is not None
    try:
        return ipaddress.ip_address(bare(text)).version == 6
    except ValueError:
        return False


def reach_of(settings: WebSocketSettings) -> Reach:
    """Return where the port listens, and what protects it.

    Raises:
        ConfigError: of certificate and key, one is missing.
    """
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise ConfigError("TLS wants a certificate and its key", "Give --tls-cert and --tls-key")
    host, warnings = bare(settings.host), []
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


def audience_of(settings: WebSocketSettings) -> str:
    """Return who can listen where no token is wanted."""
    proxies = " and ".join(settings.trust_proxy)
    behind = f", and all whom the proxy at {proxies} lets in" if proxies else ""
    return f"{audience(bare(settings.host))}{behind}"
