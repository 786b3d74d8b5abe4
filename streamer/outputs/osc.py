"""OSC as an output: its setting, its reach, and how it is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emotiond.exceptions import ConfigError, ServeError, install
from emotiond.streamer.background import run_in_background
from emotiond.streamer.options import Option
from emotiond.streamer.outputs.output import Opener, Output, OutputKind, Surroundings
from emotiond.streamer.reach import Reach

if TYPE_CHECKING:
    import socket

_OFF = "off"
_PLACE = re.compile(r"(\[[^\[\]\s]+\]|[^\[\]:\s/]+):(\d{1,5})")  # an IPv6 address is in brackets


@dataclass(frozen=True)
class OscSettings:
    """The setting of OSC."""

    osc: str = _OFF
    """``HOST:PORT``, or ``off``."""


def _split(place: str) -> tuple[str, int] | None:
    """Return host and port; None if the text is neither."""
    match = _PLACE.fullmatch(place)
    return None if match is None else (match[1].strip("[]"), int(match[2]))


def _check(settings: OscSettings) -> None:
    if settings.osc == _OFF:
        return
    found = _split(settings.osc)
    if found is None or not 1 <= found[1] <= 65_535:
        raise ConfigError(
            f"osc cannot be {settings.osc!r}", "Use --osc HOST:PORT, '[IPV6]:PORT' or off"
        )


def _reach(settings: OscSettings) -> Reach | None:
    found = _split(settings.osc)
    if found is None:
        return None
    return Reach(
        found[0],
        place=settings.osc,
        danger="events would go to other machines unprotected, since OSC knows no encryption",
        at_home="--osc 127.0.0.1:PORT",
        warnings=[f"events go to {found[0]} by OSC, without encryption; --osc off ends that"],
    )


def _prepare(settings: OscSettings) -> Opener | None:
    found = _split(settings.osc)
    if found is None:
        return None

    async def open_osc(_around: Surroundings) -> Output:
        try:
            from emotiond.streamer.outputs.osc_sender import OscSender
        except ModuleNotFoundError:
            raise ConfigError("--osc needs the package python-osc", install("python-osc")) from None
        return OscSender(settings.osc, await _connect(*found))

    return open_osc


async def _connect(host: str, port: int) -> socket.socket:
    """Resolve the name once, and connect to its first address, of IPv4 or IPv6.

    A name that hangs keeps a thread that the end of the daemon does not wait for.

    Raises:
        ServeError: there is no such name, or no way to its address.
    """
    import asyncio
    import socket

    try:
        looking = run_in_background(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM))
        family, kind, protocol, _, address = (await asyncio.wrap_future(looking))[0]
        connection = socket.socket(family, kind, protocol)
        connection.setblocking(False)
        try:
            connection.connect(address)
        except OSError:
            connection.close()
            raise
    except (OSError, UnicodeError) as error:  # UnicodeError: no name can be like this
        # A broadcast is refused here: the system sends one only where it is asked to.
        reason = getattr(error, "strerror", None) or error
        raise ServeError(
            f"cannot send OSC to {host}, port {port} ({reason})", "Use --osc HOST:PORT or off"
        ) from None
    return connection


OSC = OutputKind(
    "OSC",
    OscSettings,
    options=(
        Option(
            "--osc",
            "send events by OSC over UDP, an address for each value (default: off)",
            "HOST:PORT|off",
            after="--zmq-latest",
        ),
    ),
    check=_check,
    reach=_reach,
    prepare=_prepare,
    queue="osc_datagrams",
)
