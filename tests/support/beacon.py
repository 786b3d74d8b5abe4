"""An example of a new output, and an ``emotiond`` that has it in its table.

``python -m tests.support.beacon`` is the command. The beacon sends each event in a packet of UDP.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from dataclasses import dataclass

from emotiond.exceptions import ConfigError
from emotiond.streamer import cli
from emotiond.streamer.hub import Message
from emotiond.streamer.options import Option
from emotiond.streamer.outputs import kinds
from emotiond.streamer.outputs.output import (
    About,
    Opener,
    Output,
    OutputKind,
    Reach,
    Surroundings,
)
from emotiond.streamer.server.prometheus import metric

GOOD_BYE = b"good-bye"


@dataclass(frozen=True)
class BeaconSettings:
    beacon: str = "off"
    """``HOST:PORT``, or ``off``."""
    beacon_pause: float = 0.0
    """Seconds before the last packet."""


class Beacon:
    def __init__(self, host: str, port: int, pause_seconds: float) -> None:
        self.failure: str | None = None
        self.dropped = 0
        self._sent = 0
        self._place = (host, port)
        self._pause_seconds = pause_seconds
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def send(self, message: Message) -> None:
        try:
            self._socket.sendto(message.content, self._place)
            self._sent += 1
        except OSError:
            self.dropped += 1

    async def drained(self, wholly: bool = False) -> None:
        """Nothing waits in the beacon itself."""

    def about(self) -> About:
        host, port = self._place
        return About(
            address=f"beacon {host}:{port}",
            health={"beacon": {"sent": self._sent}},
            metrics=[metric("emotiond_beacon_total", "counter", "Packets.", (self._sent, {}))],
        )

    async def ready(self) -> None:
        """The beacon has no clients to wait for."""

    async def close(self, timeout_seconds: float) -> None:
        await asyncio.sleep(self._pause_seconds)
        self._socket.sendto(GOOD_BYE, self._place)
        self._socket.close()


def _split(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def _check(settings: BeaconSettings) -> None:
    if settings.beacon != "off" and not settings.beacon.rpartition(":")[2].isdecimal():
        raise ConfigError(f"beacon cannot be {settings.beacon!r}", "Use --beacon HOST:PORT or off")


def _reach(settings: BeaconSettings) -> Reach | None:
    if settings.beacon == "off":
        return None
    return Reach(
        _split(settings.beacon)[0],
        place=settings.beacon,
        verb="listen",
        at_home="--beacon 127.0.0.1:PORT",
    )


def _prepare(settings: BeaconSettings) -> Opener | None:
    async def open_beacon(_around: Surroundings) -> Output:
        return Beacon(*_split(settings.beacon), settings.beacon_pause)

    return None if settings.beacon == "off" else open_beacon


BEACON = OutputKind(
    "beacon",
    BeaconSettings,
    options=(
        Option("--beacon", "one packet for each event", "HOST:PORT|off"),
        Option("--beacon-pause", "before the last one", "SECONDS"),
    ),
    check=_check,
    reach=_reach,
    prepare=_prepare,
    queue="beacon_packets",
)

if __name__ == "__main__":
    kinds.OUTPUTS = (*kinds.OUTPUTS, BEACON)
    sys.exit(cli.main())
