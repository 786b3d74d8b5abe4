"""Where an MQTT broker is, and how to get in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # slow, and needed for types alone
    import ssl


@dataclass(frozen=True)
class Broker:
    """A broker, as the settings name it."""

    place: str
    """The setting, for messages."""
    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    """None for a connection without encryption."""
