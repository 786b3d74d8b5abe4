"""An example of a new kind of source: a TCP connection that carries 16-bit PCM.

``--source wire:HOST:PORT`` connects. A new kind of source looks like this file down to its last
lines, which make ``python -m tests.support.wire`` an ``emotiond`` with the wire in its table.
"""

from __future__ import annotations

import contextlib
import re
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emotiond.exceptions import ConfigError, SourceError
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.audio.samples import from_s16le
from emotiond.streamer.options import Option
from emotiond.streamer.reach import Reach
from emotiond.streamer.sources.playing_thread import start_playing
from emotiond.streamer.sources.reconnecting import Supervisor
from emotiond.streamer.sources.source import About, OnStatus, Playback, Source, SourceKind

if TYPE_CHECKING:  # slow, and needed for types alone; what connects imports it itself
    import socket

PREFIX = "wire:"
_VALUE = re.compile(PREFIX + r"(\[[^\[\]\s]+\]|[^\[\]:\s]+):(\d{1,5})")  # brackets: IPv6
_CONNECT_SECONDS = 5.0
_BLOCK_SECONDS = 0.02


@dataclass(frozen=True)
class WireSettings:
    """The setting of a wire."""

    wire_rate: int = 16_000
    """Hz."""


class Wire:
    """Plays what the other end sends, and connects again if the connection ends.

    Args:
        host: name or address of the other end.
        port: of the other end.
        sample_rate: Hz.

    Raises:
        SourceError: the other end cannot be reached.
    """

    lost_detail = "the wire is cut; it is tried again"
    muted_detail = "the wire is closed until it is unmuted"

    def __init__(self, host: str, port: int, sample_rate: int) -> None:
        self.sample_rate, self.channels = sample_rate, 1
        self.about = About(device=f"{host}:{port} at {sample_rate} Hz")
        self.failure: str | None = None
        self.switch = Supervisor(self)
        self._place = (host, port)
        self._connection = self.find()
        self._cut: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._reader: threading.Thread | None = None

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        """Begin to read."""
        self._ring = ring
        first = self._connection
        self._thread = start_playing(
            "wire", self, ring, lambda: self.switch.keep_open(first, ring, on_status)
        )

    def stop(self) -> None:
        """Close the connection. This waits for a second at most."""
        self.switch.stop()
        if self._thread is None:
            self.close()
        else:
            self._thread.join(1.0)

    def find(self) -> socket.socket:
        """Connect, for the first time or again.

        Raises:
            SourceError: the other end cannot be reached.
        """
        import socket

        try:
            return socket.create_connection(self._place, _CONNECT_SECONDS)
        except (OSError, UnicodeError) as error:  # UnicodeError: no name can be like this
            raise SourceError(f"the wire is dead ({error})", "Check the other end") from None

    def open(self, found: socket.socket) -> None:
        """Read from a new connection."""
        self._connection = found
        found.settimeout(None)
        self._reader = threading.Thread(target=self._read, args=(found,), daemon=True)
        self._reader.start()

    def is_lost(self) -> bool:
        """Return whether the present connection has ended."""
        return self._cut is self._connection

    def close(self) -> None:
        """End the connection."""
        import socket

        with contextlib.suppress(OSError):  # the other end is gone
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()
        if self._reader is not None:
            self._reader.join()

    def _read(self, connection: socket.socket) -> None:
        size = 2 * round(_BLOCK_SECONDS * self.sample_rate)
        with contextlib.suppress(OSError), connection.makefile("rb") as pcm:
            while len(data := pcm.read(size)) == size:
                now = time.monotonic()
                self.switch.note_block(now, _BLOCK_SECONDS)
                self._ring.write(from_s16le(data)[:, None], now)
        self._cut = connection
        self.switch.check()


def _check(settings: WireSettings) -> None:
    if settings.wire_rate not in (8_000, 16_000):
        raise ConfigError(f"wire_rate cannot be {settings.wire_rate} Hz", "Use 8000 or 16000")


def _place(value: str) -> tuple[str, int]:
    match = _VALUE.fullmatch(value)
    if match is None or not 1 <= int(match[2]) <= 65_535:
        raise SourceError(
            f"there is no wire at {value!r}", f"Use {PREFIX}HOST:PORT or {PREFIX}[IPV6]:PORT"
        )
    return match[1].strip("[]"), int(match[2])


def _open(value: str, settings: WireSettings, _playback: Playback) -> Source:
    return Wire(*_place(value), settings.wire_rate)


def _reach(value: str, _settings: WireSettings) -> Reach:
    return Reach(
        _place(value)[0],
        place=value,
        danger="other machines could hear or change the sound on its way",
        at_home=f"{PREFIX}127.0.0.1:PORT",
    )


WIRE = SourceKind(
    "wire",
    WireSettings,
    options=(Option("--wire-rate", "of a wire (default: 16000)", "HZ"),),
    check=_check,
    value="wire:HOST:PORT",
    open=_open,
    recognizes=lambda value: value.startswith(PREFIX),
    stream_name=lambda _value: "wire",
    reach=_reach,
)

if __name__ == "__main__":  # a real kind is in the table
    from emotiond.streamer import cli
    from emotiond.streamer.sources import kinds

    kinds.SOURCES = (WIRE, *kinds.SOURCES)
    sys.exit(cli.main())
