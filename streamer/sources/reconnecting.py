"""Keeps a device or a connection open: it is opened again after a loss, and closed while muted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Generic, Literal, Protocol, TypeVar

from emotiond.exceptions import SourceError
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.sources.source import OnStatus

Found = TypeVar("Found")

_CHECK_SECONDS = 0.25
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 10.0


class Reopenable(Protocol[Found]):
    """A device or a connection that writes into the ring, from a thread of its own, while open."""

    lost_detail: str
    """The detail of ``reconnecting``."""
    muted_detail: str
    """The detail of ``muted``."""

    def find(self) -> Found:
        """Look for it. What was found is opened next.

        Raises:
            SourceError: it is not there.
        """

    def open(self, found: Found) -> None:
        """Write from now on.

        Raises:
            SourceError: it cannot be opened.
        """

    def is_lost(self) -> bool:
        """Return whether it is open, but no longer works."""

    def close(self) -> None:
        """Write no more. It may be closed already."""


class Supervisor(Generic[Found]):
    """Opens and closes one device or connection. It is the :class:`Switch` of its source.

    Args:
        device: what is kept open. No other thread than that of :meth:`keep_open` opens or closes
            it, once :meth:`open_first` has returned.
    """

    def __init__(self, device: Reopenable[Found]) -> None:
        self.muted = False
        """Whether the device must stay closed."""
        self.last_sound = 0.0
        """When the last block came, by the monotonic clock. The device notes it."""
        self._device = device
        self._stopping = self._is_open = False
        self._attention = threading.Event()  # the device is lost, or there is a request

    @property
    def state(self) -> Literal["on", "off", "muted"]:
        """``on`` while the device is open, else ``muted`` or ``off``."""
        return "on" if self._is_open else "muted" if self.muted else "off"

    def mute(self, muted: bool) -> None:
        """Close the device, or open it again. This returns before it has happened."""
        self.muted = muted
        self._attention.set()

    def check(self) -> None:
        """Look at once whether the device is lost. Any thread may call this."""
        self._attention.set()

    def stop(self) -> None:
        """Let :meth:`keep_open` close the device and return."""
        self._stopping = True
        self._attention.set()

    def open_first(self, found: Found, ring: Ring, on_status: OnStatus) -> None:
        """Open the device for the first time, unless muted.

        Raises:
            SourceError: the device has vanished since it was found.
        """
        self._ring = ring
        self._on_status = on_status
        self.last_sound = time.monotonic()
        if self.muted:
            on_status("muted", self._device.muted_detail)
        else:
            self._open(found)

    def keep_open(self) -> None:
        """Supervise the device until it is stopped, and close it in any case."""
        try:
            self._supervise()
        finally:
            self._close()

    def _supervise(self) -> None:
        reported_muted = was_muted = not self._is_open
        pauses = growing_pauses()
        while True:
            wait_seconds = (
                _CHECK_SECONDS if self._is_open else None if reported_muted else next(pauses)
            )
            self._attention.wait(wait_seconds)
            self._attention.clear()
            if self._stopping:
                return
            if self.muted:
                if not reported_muted:
                    self._close()
                    self._on_status("muted", self._device.muted_detail)
                reported_muted = was_muted = True
            elif not self._is_open:
                if self._reopen(was_muted):
                    was_muted = False
                elif reported_muted:
                    self._on_status("reconnecting", self._device.lost_detail)
                reported_muted = False
            elif self._device.is_lost():
                self._on_status("reconnecting", self._device.lost_detail)
                self._close()
                pauses = growing_pauses()

    def _reopen(self, was_muted: bool) -> bool:
        """Reopen the device; the closed time becomes a gap. Return whether it is open."""
        try:
            found = self._device.find()
            found_at = time.monotonic()
            gap_samples = round((found_at - self.last_sound) * self._ring.sample_rate)
            self._ring.skip(gap_samples, lost=not was_muted)
            self.last_sound = found_at
            self._open(found)
        except SourceError:
            return False
        self._on_status("running", "")
        return True

    def _open(self, found: Found) -> None:
        self._device.open(found)
        self.last_sound = time.monotonic()
        self._is_open = True

    def _close(self) -> None:
        self._device.close()
        if self._is_open:
            self._ring.cut()  # the last samples must not wait for the device to come back
        self._is_open = False


def growing_pauses() -> Iterator[float]:
    """Yield the seconds to wait before each further attempt to find a device."""
    pause_seconds = _FIRST_PAUSE_SECONDS
    while True:
        yield pause_seconds
        pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
