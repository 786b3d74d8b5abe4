"""Whose a request is that comes through a reverse proxy. Only a trusted proxy is believed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from emotiond.streamer.server.addresses import Address, household, parse_address
from emotiond.streamer.server.occupancy import client_address

if TYPE_CHECKING:
    from websockets.datastructures import Headers

MOST_HOPS = 16
"""Hops of ``X-Forwarded-For`` that are looked at, from the nearest on."""
WAYS = ("direct", "named", "unnamed", "untrusted")
"""How requests come: from the visitor; through a trusted proxy that names the visitor, or does not;
through a proxy that is not trusted."""
_FOR, _PROTO, _BASE = "X-Forwarded-For", "X-Forwarded-Proto", "X-Ingress-Path"
_MARKS = (_FOR, _PROTO, _BASE, "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")
_HOP = re.compile(r"\[([0-9a-f.:%\w]+)\](?::\d{1,5})?|([\d.]+):\d{1,5}|(.+)", re.IGNORECASE)
_BASE_PATH = re.compile(r"(?:/[\w.~!$&'()*+,;=:@%-]+)+", re.ASCII)
_LONGEST_BASE_PATH = 256


@dataclass(frozen=True)
class Visitor:
    """Whose a request is."""

    address: str | None
    """Whose limits it counts against; None for this machine, never so behind a trusted proxy."""
    way: Literal["direct", "named", "unnamed", "untrusted"] = "direct"
    is_encrypted: bool = False
    """Whether a trusted proxy says that the visitor uses HTTPS."""
    base_path: str = ""
    """The path of the page at the proxy, such as ``/emotion``, if a trusted one says so."""

    def inner_path(self, path: str) -> str | None:
        """Return the path below :attr:`base_path`, also of a proxy that has not cut it off.

        Returns:
            None for the base path without its slash, where relative addresses would lead astray.
        """
        if not self.base_path or not path.startswith(self.base_path):
            return path
        rest = path[len(self.base_path) :]
        if rest == "" or rest.startswith("?"):
            return None
        return rest if rest.startswith("/") else path


@dataclass(frozen=True)
class Proxies:
    """The reverse proxies that are believed, each an address or a network."""

    networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network] = ()

    def trust(self, peer: str) -> bool:
        """Return whether a connection comes from a trusted proxy."""
        address = parse_address(peer)
        return address is not None and self._knows(address)

    def visitor(self, peer: str, reached: str, headers: Headers) -> Visitor:
        """Return whose a request is.

        The visitor is the rightmost hop of ``X-Forwarded-For`` that is no trusted proxy. What
        stands left of it, and of what is no address, anybody may have written.

        Args:
            peer: the address that the connection comes from.
            reached: the address of this machine that it has reached.
            headers: of the request.
        """
        own, forwarded = client_address(peer, reached), was_forwarded(headers)
        nearest = parse_address(peer)
        if not forwarded or nearest is None or not self._knows(nearest):
            return Visitor(own, "untrusted" if forwarded else "direct")
        for hop in reversed(_hops(headers.get_all(_FOR))):
            if hop is None:
                break
            nearest = hop
            if not self._knows(hop):
                break
        return Visitor(
            household(nearest),
            "unnamed" if self._knows(nearest) else "named",
            _is_encrypted(headers.get_all(_PROTO)),
            _base_path(headers.get_all(_BASE)),
        )

    def _knows(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


NO_PROXIES = Proxies()


def parse_proxies(texts: Collection[str]) -> Proxies:
    """Return the proxies of ``--trust-proxy``.

    Raises:
        ValueError: a text is neither an address nor a network, or all addresses; it says why.
    """
    networks = []
    for text in texts:
        network = ipaddress.ip_network(text)
        if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped:
            raise ValueError(f"{text} is an address of IPv4 inside IPv6: write that of IPv4")
        if network.prefixlen == 0:
            raise ValueError(f"{text} is every address: each visitor could claim to be another")
        networks.append(network)
    return Proxies(networks)


def was_forwarded(headers: Headers) -> bool:
    """Return whether a request has passed through a proxy, trusted or not, as its headers show."""
    return any(name in headers for name in _MARKS)


def _hops(fields: Sequence[str]) -> Sequence[Address | None]:
    """Return the nearest hops, the nearest last; None for what is no address."""
    texts = [text for field in fields[-MOST_HOPS:] for text in field.rsplit(",", MOST_HOPS)]
    return [_hop(text.strip()) for text in texts[-MOST_HOPS:]]


def _hop(text: str) -> Address | None:
    found = _HOP.fullmatch(text)
    return None if found is None else parse_address(found[1] or found[2] or found[3])


def _is_encrypted(fields: Sequence[str]) -> bool:
    """Return whether each hop that says something says HTTPS."""
    schemes = {text.strip().lower() for field in fields for text in field.split(",")}
    return schemes == {"https"}


def _base_path(fields: Sequence[str]) -> str:
    """Return the one base path without its last slash; empty if there is none to be believed."""
    path = fields[0].rstrip("/") if len(fields) == 1 else ""
    is_path = len(path) <= _LONGEST_BASE_PATH and _BASE_PATH.fullmatch(path) is not None
    return path if is_path and not {".", ".."} & set(path.split("/")) else ""
