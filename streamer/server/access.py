"""Controls access to the daemon: a foreign web page must not read a microphone's labels."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from emotiond.streamer.reach import is_loopback
from emotiond.streamer.server.devices import Devices


@dataclass(frozen=True)
class Proof:
    """Whose token a client has shown."""

    device: str | None = None
    """The name of the paired device; None for the owner's token, or where none is required."""


OWNER = Proof()


@dataclass(frozen=True)
class Access:
    """The allowed host names, the allowed origins, the token, and the paired devices.

    A page whose own host name points to the loopback address (DNS rebinding) sends an Origin
    equal to its Host. So the Host is checked first.
    """

    bound_host: str
    """The address that the daemon listens on."""
    allowed_hosts: Collection[str] = ()
    allowed_origins: Collection[str] = ()
    token: str | None = field(default=None, repr=False)
    """The token that clients must send; None for open access."""
    devices: Devices | None = None
    """Those whose own tokens are as good for listening; None where no device can be paired."""

    def host_is_known(self, host_header: str | None, reached_address: str = "") -> bool:
        """Return whether a request's Host is a loopback name, the bound address, or allowed.

        Args:
            host_header: as the client sent it. Any port is allowed, since a tunnel has its own.
            reached_address: the address of this machine that the client connected to. It is
                allowed, too: unlike a name, an address cannot point elsewhere.
        """
        name = _host_name(host_header)
        if name is None:
            return False
        names = (self.bound_host, reached_address.partition("%")[0], *self.allowed_hosts)
        return is_loopback(name) or normal_host(name) in set(map(normal_host, names))

    def proof(self, candidate: object) -> Proof | None:
        """Return whose token this is, compared in constant time; None if it is nobody's."""
        if self.token is None:
            return OWNER
        if not isinstance(candidate, str):
            return None
        if hmac.compare_digest(_bytes(candidate), _bytes(self.token)):
            return OWNER
        name = None if self.devices is None else self.devices.name_of(_bytes(candidate))
        return None if name is None else Proof(name)

    def bearer_proof(self, authorizations: Collection[str]) -> Proof | None:
        """Return whose token is in the Authorization headers, exactly one ``Bearer``."""
        if self.token is None:
            return OWNER
        if len(authorizations) != 1:
            return None
        scheme, _, candidate = next(iter(authorizations)).partition(" ")
        return self.proof(candidate.strip()) if scheme.lower() == "bearer" else None

    def origin_may_connect(self, origin: str, host_header: str, is_encrypted: bool = False) -> bool:
        """Return whether a page from this origin may open a WebSocket. Programs send no origin.

        Args:
            origin: as the browser sent it.
            host_header: a known one.
            is_encrypted: whether the daemon's own page is known to be under HTTPS: one under HTTP,
                which anybody on the way could have written, is a foreign one then.
        """
        schemes = ("https",) if is_encrypted else ("http", "https")
        return origin.lower() in (
            *(f"{scheme}://{host_header.lower()}" for scheme in schemes),
            *map(normal_origin, self.allowed_origins),
        )

    @property
    def web_origins(self) -> Collection[str]:
        """The allowed origins of web pages that have an address: never ``null``."""
        origins = map(normal_origin, self.allowed_origins)
        return [origin for origin in origins if origin.startswith(("http://", "https://"))]


def normal_origin(origin: str) -> str:
    """Return an origin as browsers send it: in lower case, with no slash and no usual port."""
    origin = origin.lower().removesuffix("/")
    for scheme, port in (("http://", ":80"), ("https://", ":443")):
        if origin.startswith(scheme):
            origin = origin.removesuffix(port)
    return origin


def normal_host(host: str) -> str:
    """Return a name in lower case, an IPv6 address in its usual form and without brackets."""
    bare = host.lower()
    if bare.startswith("[") and bare.endswith("]"):
        bare = bare[1:-1]
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return bare


def is_unspecified(host: str) -> bool:
    """Return whether a host is the address that stands for all addresses of this machine."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _host_name(host_header: str | None) -> str | None:
    """Return the name in a Host header, in lower case, without the port; None if malformed."""
    if not host_header:
        return None
    try:
        parts = urlsplit(f"//{host_header}")
        _ = parts.port  # raises if the port is no number
    except ValueError:
        return None
    if parts.netloc != host_header or "@" in host_header or "%" in host_header or parts.path:
        return None
    return parts.hostname


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # JSON can hold single surrogates
