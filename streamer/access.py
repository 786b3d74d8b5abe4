"""Who may talk to the daemon: a foreign web page must not read the labels of a microphone."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Access:
    """The names under which the daemon may be asked for, and the pages that may ask.

    A page that makes its own host name point to the loopback address (DNS rebinding) sends
    an Origin equal to its Host; that is why the Host is checked first.
    """

    bound_host: str
    """The address that the daemon listens on."""
    allowed_hosts: Collection[str] = ()
    allowed_origins: Collection[str] = ()

    def host_is_known(self, host_header: str | None) -> bool:
        """Whether a request's Host is a loopback name, the bound address, or allowed."""
        name = _host_name(host_header)
        if name is None:
            return False
        return (
            is_loopback(name)
            or name == self.bound_host.lower()
            or name in {allowed.lower() for allowed in self.allowed_hosts}
        )

    def origin_may_connect(self, origin: str, host_header: str) -> bool:
        """Whether a page from this origin may open a WebSocket; programs send none."""
        return origin in self.allowed_origins or origin.lower() in (
            f"http://{host_header.lower()}",
            f"https://{host_header.lower()}",
        )


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_name(host_header: str | None) -> str | None:
    """The name in a Host header, in lower case and without the port; None if malformed."""
    if not host_header:
        return None
    try:
        parts = urlsplit(f"//{host_header}")
        _ = parts.port  # raises where the port is no number
    except ValueError:
        return None
    if parts.netloc != host_header or "@" in host_header or parts.path:
        return None
    return parts.hostname
