"""Who may talk to the daemon: a foreign web page must not read the labels of a microphone."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Access:
    """The names under which the daemon may be asked for, the pages that may ask, and the token.

    A page that makes its own host name point to the loopback address (DNS rebinding) sends
    an Origin equal to its Host; that is why the Host is checked first.
    """

    bound_host: str
    """The address that the daemon listens on."""
    allowed_hosts: Collection[str] = ()
    allowed_origins: Collection[str] = ()
    token: str | None = field(default=None, repr=False)
    """What clients have to know; None where all may listen."""

    def host_is_known(self, host_header: str | None, reached_address: str = "") -> bool:
        """Whether a request's Host is a loopback name, the bound address, or allowed.

        Args:
            host_header: as it was sent. Its port may be any: a tunnel has another one.
            reached_address: of this machine, where the client has come in: an address, other
                than a name, cannot be made to point elsewhere.
        """
        name = _host_name(host_header)
        if name is None:
            return False
        return (
            is_loopback(name)
            or name in (self.bound_host.lower(), reached_address.lower())
            or name in {allowed.lower() for allowed in self.allowed_hosts}
        )

    def knows_token(self, candidate: object) -> bool:
        """Whether this is the token; as fast for any wrong one. True where none is wanted."""
        if self.token is None:
            return True
        if not isinstance(candidate, str):
            return False
        return hmac.compare_digest(_bytes(candidate), _bytes(self.token))

    def bearer_knows_token(self, authorizations: Collection[str]) -> bool:
        """Whether the Authorization headers of a request are one ``Bearer`` with the token."""
        if self.token is None:
            return True
        if len(authorizations) != 1:
            return False
        scheme, _, candidate = next(iter(authorizations)).partition(" ")
        return scheme.lower() == "bearer" and self.knows_token(candidate.strip())

    def origin_may_connect(self, origin: str, host_header: str) -> bool:
        """Whether a page from this origin may open a WebSocket; programs send none."""
        return origin.lower() in (
            f"http://{host_header.lower()}",
            f"https://{host_header.lower()}",
            *(allowed.lower() for allowed in self.allowed_origins),
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
    if parts.netloc != host_header or "@" in host_header or "%" in host_header or parts.path:
        return None
    return parts.hostname


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # JSON can spell halves of characters
