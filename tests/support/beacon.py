"""An example of a new output: the beacon sends each event in a packet of UDP.

A new output looks like this file down to its last lines, which make ``python -m
tests.support.beacon`` an ``emotiond`` with the beacon in its table.
"""

from __future__ import annotations

import re
import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emotiond.exceptions import ConfigError, ServeError
from emotiond.streamer.options import Option
from emotiond.streamer.outputs.output import (
    About,
    Opener,
    Output,
    OutputKind,
    Surroundings,
    wait_while,
)
from emotiond.streamer.reach import Reach
from emotiond.streamer.server.prometheus import metric

if TYPE_CHECKING:  # slow, and needed for types alone; what opens the beacon imports it itself
    import socket

    from emotiond.streamer.hub import Message

GOOD_BYE = b"good-bye"
MOST_WAITING = 100  # packets; beyond, the oldest are dropped

_OFF = "off"
_PLACE = re.compile(r"(\[[^\[\]\s]+\]|[^\[\]:\s]+):(\d{1,5})")  # an IPv6 address is in brackets
_PATIENCE_SECONDS = 5.0  # for a network that holds up a lossless stream


@dataclass(frozen=True)
class BeaconSettings:
    """The setting of the beacon."""

    beacon: str = _OFF
    """``HOST:PORT``, or ``off``."""


class Beacon:
    """Sends each event to one address. UDP does not report which packets arrive.

    Args:
        place: where the packets go, for the announcement.
        connection: a connected socket that does not block.
    """

    def __init__(self, place: str, connection: socket.socket) -> None:
        self.failure: str | None = None
        self.dropped = 0
        """Number of packets that found no room, or that the system refused."""
        self._sent = 0
        self._place = place
        self._socket = connection
        self._waiting: deque[bytes] = deque()

    def send(self, message: Message) -> None:
        """Send a packet. One that the system has no room for waits for the next."""
        self._waiting.append(message.content)
        if self._send_waiting() > MOST_WAITING:
            self._waiting.popleft()
            self.dropped += 1

    async def drained(self, wholly: bool = False) -> None:
        """Wait until half of the queue is free or, if ``wholly``, it is empty; 5 s at most."""
        await self._wait(0 if wholly else MOST_WAITING // 2, _PATIENCE_SECONDS)

    def about(self) -> About:
        """Return the address, and how many packets were sent."""
        return About(
            address=f"beacon {self._place}",
            health={"beacon": {"sent": self._sent}},
            metrics=[metric("emotiond_beacon_total", "counter", "Packets.", (self._sent, {}))],
        )

    async def ready(self) -> None:
        """Return at once: the beacon accepts no connections."""

    async def close(self, timeout_seconds: float) -> None:
        """Send the rest and the last packet, if the system takes them in time."""
        self._waiting.append(GOOD_BYE)
        await self._wait(0, timeout_seconds)
        self._socket.close()

    async def _wait(self, most_packets: int, timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        await wait_while(
            lambda: self._send_waiting() > most_packets and time.monotonic() < deadline
        )

    def _send_waiting(self) -> int:
        """Send what the system has room for, and return how many packets still wait."""
        while self._waiting:
            try:
                self._socket.send(self._waiting[0])
                self._sent += 1
            except BlockingIOError:
                break
            except ConnectionRefusedError:  # nothing listened there when the last one came
                self._sent -= 1
                self.dropped += 1
                continue
            except OSError:  # too large
                self.dropped += 1
            self._waiting.popleft()
        return len(self._waiting)


def _split(place: str) -> tuple[str, int] | None:
    """Return host and port; None if the text is neither."""
    match = _PLACE.fullmatch(place)
    return None if match is None else (match[1].strip("[]"), int(match[2]))


def _check(settings: BeaconSettings) -> None:
    if settings.beacon == _OFF:
        return
    found = _split(settings.beacon)
    if found is None or not 1 <= found[1] <= 65_535:
        raise ConfigError(
            f"beacon cannot be {settings.beacon!r}", "Use --beacon HOST:PORT, [IPV6]:PORT or off"
        )


def _reach(settings: BeaconSettings) -> Reach | None:
    found = _split(settings.beacon)
    if found is None:
        return None
    return Reach(
        found[0],
        place=settings.beacon,
        danger="events would go to another machine unprotected",
        at_home="--beacon 127.0.0.1:PORT",
        warnings=[f"events go to {found[0]} without encryption; --beacon off ends that"],
    )


def _prepare(settings: BeaconSettings) -> Opener | None:
    found = _split(settings.beacon)
    if found is None:
        return None

    async def open_beacon(_around: Surroundings) -> Output:
        return Beacon(settings.beacon, await _connect(*found))

    return open_beacon


async def _connect(host: str, port: int) -> socket.socket:
    """Resolve the name once, and connect to its first address, of IPv4 or IPv6.

    Raises:
        ServeError: there is no such name, or no way to its address.
    """
    import asyncio
    import socket

    try:
        addresses = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = addresses[0]
        connection = socket.socket(family, kind, protocol)
        connection.setblocking(False)
        try:
            connection.connect(address)
        except OSError:
            connection.close()
            raise
    except (OSError, UnicodeError) as error:  # UnicodeError: no name can be like this
        reason = getattr(error, "strerror", None) or error
        raise ServeError(
            f"cannot send to {host}, port {port} ({reason})", "Use --beacon HOST:PORT or off"
        ) from None
    return connection


BEACON = OutputKind(
    "beacon",
    BeaconSettings,
    options=(
        Option("--beacon", "send each event in a packet of UDP", "HOST:PORT|off", after="--zmq"),
    ),
    check=_check,
    reach=_reach,
    prepare=_prepare,
    queue="beacon_packets",
)

if __name__ == "__main__":  # a real output is in the table
    from emotiond.streamer import cli
    from emotiond.streamer.outputs import kinds

    kinds.OUTPUTS = (*kinds.OUTPUTS, BEACON)
    sys.exit(cli.main())
