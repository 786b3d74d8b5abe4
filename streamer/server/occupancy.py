"""Shares the connections of the port among its clients: who has shown the token always gets in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emotiond.streamer.server.addresses import household, parse_address

STRANGERS_SHARE = 2
"""Connections that have not shown the token may be one of this many of all."""
ADDRESS_SHARE = 4
"""Those of one address may be one of this many of all."""


def client_address(peer: str, reached: str) -> str | None:
    """Return the address whose limits a connection counts against; None for this machine.

    This machine has no limit of its own: its programs share one address, and so do all whom a
    reverse proxy on it serves, unless it is trusted and says who they are: see ``forwarding.py``.

    Args:
        peer: the address that the connection comes from.
        reached: the address of this machine that it has reached.

    Returns:
        What :func:`household` makes of it.
    """
    address = parse_address(peer)
    if address is None:
        return peer
    if address.is_loopback or peer == reached:
        return None
    return household(address)


@dataclass(eq=False)
class Seat:
    """One open connection."""

    address: str | None
    """See :func:`client_address`. It changes when a trusted proxy says whose the connection is."""
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
        is_crowded = self._is_crowded(address)
        is_full = self.count >= self.limit or (
            self._wants_token and sum(map(len, self._strangers.values())) >= self._most_strangers
        )
        if not (is_crowded or is_full):
            return True
        self.refused += 1
        if not self._wants_token or not self._strangers:
            return False
        self._hang_up_on_oldest(
            self._strangers[address] if is_crowded else max(self._strangers.values(), key=len)
        )
        return True

    def move(self, descriptor: int, address: str | None) -> bool:
        """Count a connection against the address that its request is found to be of.

        Returns:
            Whether that address has room. The connection is counted in either case.
        """
        seat = self._seats.get(descriptor)
        if seat is None or seat.address == address:
            return True
        is_stranger = descriptor in self._strangers.get(seat.address, {})
        has_room = not (is_stranger and self._is_crowded(address))
        if not has_room:
            self.refused += 1
            if self._wants_token:
                self._hang_up_on_oldest(self._strangers[address])
                has_room = True
        self._forget_stranger(descriptor, seat)
        seat.address = address
        if is_stranger:
            self._strangers.setdefault(address, {})[descriptor] = seat
        return has_room

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

    def _is_crowded(self, address: str | None) -> bool:
        here = self._strangers.get(address, {})
        return address is not None and len(here) >= self._most_per_address

    def _hang_up_on_oldest(self, here: dict[int, Seat]) -> None:
        descriptor, seat = next(iter(here.items()))
        self.leave(descriptor, seat)
        seat.hang_up()

    def _forget_stranger(self, descriptor: int, seat: Seat) -> None:
        here = self._strangers.get(seat.address, {})
        here.pop(descriptor, None)
        if not here:
            self._strangers.pop(seat.address, None)
