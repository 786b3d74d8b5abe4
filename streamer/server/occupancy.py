"""Shares the connections of the port among its clients: who has shown the token always gets in."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

STRANGERS_SHARE = 2
"""Connections that have not shown the token may be one of this many of all."""
ADDRESS_SHARE = 4
"""Those of one address may be one of this many of all."""


def client_address(peer: str, reached: str) -> str | None:
    """Return the address whose limits a connection counts against; None for this machine.

    This machine has no limit of its own: its programs share one address, and so do all whom a
    reverse proxy on it serves. Only this function knows whose a connection is.

    Args:
        peer: the address that the connection comes from.
        reached: the address of this machine that it has reached.

    Returns:
        The address; for IPv6 the network that one household or server has, beginning of 64 bits.
    """
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_loopback or peer == reached:
        return None
    if address.version == 6 and not address.is_link_local:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


@dataclass(frozen=True, eq=False)
class Seat:
    """One open connection."""

    address: str | None
    """See :func:`client_address`."""
    hang_up: Callable[[], None]
    """Ends the connection, which is not counted any more."""


class Occupancy:
    """The open connections of all listeners together, by descriptor.

    Where a token is wanted, a connection is a stranger's until it has shown it. Strangers have
    half of all connections, and one address a quarter. Beyond that, and where all are taken,
    the oldest stranger makes room for the newest: of the same address, or else of the one that has
    most. So a flood of strangers pushes out itself, and a client with the token finds room.

    Without a token nobody is hung up on. One address has a quarter, and what comes then is refused.

    Args:
        limit: the largest number of connections.
        wants_token: whether clients must show a token.
    """

    def __init__(self, limit: int, wants_token: bool = False) -> None:
        self.limit = limit
        self.refused = 0
        """Number of connections that were refused, or had to make room."""
        self._wants_token = wants_token
        self._most_strangers = max(1, limit // STRANGERS_SHARE)
        self._most_per_address = max(1, limit // ADDRESS_SHARE)
        self._seats: dict[int, Seat] = {}
        self._strangers: dict[str | None, dict[int, Seat]] = {}  # of each address, oldest first

    @property
    def count(self) -> int:
        """Number of connections."""
        return len(self._seats)

    def has_room(self, address: str | None) -> bool:
        """Return whether one more connection may come from this address; make room for it."""
        here = self._strangers.get(address, {})
        is_crowded = address is not None and len(here) >= self._most_per_address
        is_full = self.count >= self.limit or (
            self._wants_token and sum(map(len, self._strangers.values())) >= self._most_strangers
        )
        if not (is_crowded or is_full):
            return True
        self.refused += 1
        if not self._wants_token or not self._strangers:
            return False
        descriptor, seat = next(
            iter((here if is_crowded else max(self._strangers.values(), key=len)).items())
        )
        self.leave(descriptor, seat)
        seat.hang_up()
        return True

    def enter(self, descriptor: int, seat: Seat) -> None:
        """Count a connection."""
        self._seats[descriptor] = seat
        self._strangers.setdefault(seat.address, {})[descriptor] = seat

    def trust(self, descriptor: int) -> None:
        """Note that a connection has shown the token."""
        seat = self._seats.get(descriptor)
        if self._wants_token and seat is not None:
            self._forget_stranger(descriptor, seat)

    def leave(self, descriptor: int, seat: Seat) -> None:
        """Count a connection no more. Its descriptor may be another one's by now."""
        if self._seats.get(descriptor) is seat:
            del self._seats[descriptor]
            self._forget_stranger(descriptor, seat)

    def _forget_stranger(self, descriptor: int, seat: Seat) -> None:
        here = self._strangers.get(seat.address, {})
        here.pop(descriptor, None)
        if not here:
            self._strangers.pop(seat.address, None)
