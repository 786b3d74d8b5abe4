"""Where a part of the daemon meets other programs, for the rule about exposure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Reach:
    """Where an output or a source listens or sends, and whether it authenticates the other side.

    The rule about exposure decides what is beyond this machine. Its error message quotes these
    fields.
    """

    host: str
    """Name or address that it binds or sends to."""
    place: str
    """The setting with the host, as the user gave it."""
    danger: str
    """What could happen there without protection, such as ``other machines could listen without
    being asked who they are``."""
    at_home: str
    """The flag that keeps to this machine."""
    is_protected: bool = False
    """Whether clients need a token, a key or the like."""
    protection: str | None = None
    """What to do for that, such as ``Give clients a token with --token-file FILE``; None if there
    is nothing."""
    warnings: Sequence[str] = ()
    """What the daemon warns of if the host is beyond this machine."""
    local_danger: str | None = None
    """What other users of this machine could do there although clients need a token, such as
    ``every user of this machine could subscribe without the token``; None for nothing."""
    local_protection: str | None = None
    """What to do against that, like :attr:`protection`."""


def is_loopback(host: str) -> bool:
    """Return whether a host name or address can only mean this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def audience(host: str) -> str:
    """Return who can reach a host, for the announcement of the daemon."""
    if is_loopback(host):
        return "every user of this machine"
    return f"everyone who can reach {host}"
