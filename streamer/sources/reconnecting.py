"""Keeps a device or a connection open: it is opened again after a loss, and closed while muted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, Literal, Protocol, TypeVar

from emotiond.exceptions import SourceError, cause_of
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.protocol.events import StreamStatus
from emotiond.streamer.sources.source import About, OnStatus

Found = TypeVar("Found")

_CHECK_SECONDS = 0.25
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 10.0
LASTING_SECONDS = 10.0
"""After how long with sound the next loss is a new one. What comes and goes has growing pauses."""


class Reopenable(Protocol[Found]):
    """A device or a connection that writes into the ring, from a thread of its own, while open.

    That thread calls :meth:`Supervisor.note_block` before it writes a block.
    """

    about: About
    """What is open. A new status says so when it changes."""
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
        """Write no more: the thread that writes has ended. It may be closed already.

        What was found and not opened is let go of, too.
        """


class Supervisor(Generic[Found]):
    """Opens and closes one device or connection. It is the :class:`Switch` of its source.

    It reports ``running`` when the first block comes: a device may open and give nothing.

    Args:
        device: what is kept open. No other thread than that of :meth:`keep_open` opens or closes
            it.
        give_up: lets a search that may take long end soon, with a fault. Any thread calls it.
    """

    def __init__(
        self, device: Reopenable[Found], give_up: Callable[[], None] = lambda: None
    ) -> None:
        self.muted = False
        """Whether the device must stay closed."""
        self._device = device
        self._give_up = give_up
        self._stopping = self._is_open = False
        self._awaits_block = True
        self._opened_seconds = 0.0
        self._last_block_seconds: float | None = None
        self._was_quiet = False  # muted or paused, since the last block
        self._reported: tuple[StreamStatus, str, About] | None = None
        self._complaint = ""
        self._reporting = threading.Lock()
        self._attention = threading.Event()  # what is open is looked at
        self._asked = threading.Event()  # to be muted, unmuted or stopped; it cuts a pause short

    @property
    def state(self) -> Literal["on", "off", "muted"]:
        """``on`` while the device is open, else ``muted`` or ``off``."""
        return "on" if self._is_open else "muted" if self.muted else "off"

    @property
    def silent_seconds(self) -> float:
        """Time since the last block, or since the opening."""
        last = self._opened_seconds
        if not self._awaits_block and self._last_block_seconds is not None:
            last = self._last_block_seconds
        return time.monotonic() - last

    def mute(self, muted: bool) -> None:
        """Close the device, or open it again. This returns before it has happened."""
        self.muted = muted
        if muted:
            self._give_up()
        self._ask()

    @property
    def is_unwanted(self) -> bool:
        """Whether nothing is to be looked for."""
        return self.muted or self._stopping

    def check(self) -> None:
        """Look at once whether the device is lost. Any thread may call this, at its end too."""
        self._attention.set()

    @property
    def complaint(self) -> str:
        """What is wrong with the blocks that come, or came before it was muted."""
        return self._complaint

    def complain(self, complaint: str) -> None:
        """Say what is wrong with the blocks that come; nothing if all is well again."""
        self._complaint = complaint
        self._attention.set()

    def note_block(self, came_seconds: float, block_seconds: float) -> None:
        """Note a block that is written next. The time without blocks becomes a gap.

        The first block after an opening is reported as ``running``.

        Args:
            came_seconds: when it came, by the monotonic clock.
            block_seconds: its duration.
        """
        last = self._last_block_seconds
        self._last_block_seconds = came_seconds
        if not self._awaits_block:
            return
        if last is not None:
            gap_seconds = max(0.0, came_seconds - block_seconds - last)
            gap_samples = round(gap_seconds * self._ring.sample_rate)
            self._ring.skip(gap_samples, lost=not self._was_quiet)
        self._awaits_block = self._was_quiet = False
        self._report("running", self._complaint)

    def pause(self, detail: str) -> None:
        """Report that nothing comes for a while, though all is well: ``stalled`` until a block.

        The thread that writes the blocks calls this, or that of :meth:`keep_open` before it.
        """
        if not self._awaits_block:
            self._awaits_block = self._was_quiet = True
            self._ring.cut()  # the last samples must not wait for the next ones
        self._report("stalled", detail)

    def stop(self) -> None:
        """Let :meth:`keep_open` close the device and return."""
        self._stopping = True
        self._give_up()
        self._ask()

    def keep_open(self, found: Found | None, ring: Ring, on_status: OnStatus) -> None:
        """Supervise the device until it is stopped, and close it in any case.

        Args:
            found: what is opened first; None if it is looked for.
            ring: the device writes into it.
            on_status: takes each status.
        """
        self._ring = ring
        self._on_status = on_status
        try:
            self._supervise(found)
        finally:
            self._close()

    def _supervise(self, found: Found | None) -> None:
        pauses = growing_pauses()
        while not self._stopping:
            if self.muted:
                self._was_quiet, found = True, None
                pauses = growing_pauses()
                self._close()
                self._report("muted", self._device.muted_detail)
            elif not self._is_open:
                self._try_to_open(found)
                found = None
            elif self._device.is_lost():
                if self._has_lasted():
                    pauses = growing_pauses()
                self._close()
                self._report_loss(self._device.lost_detail)
            elif not self._awaits_block:
                self._report("running", self._complaint)
            muted = self.muted
            if self._is_open:
                self._attention.wait(_CHECK_SECONDS)
            else:
                self._asked.wait(None if muted else next(pauses))
            self._attention.clear()
            self._asked.clear()

    def _ask(self) -> None:
        self._asked.set()
        self._attention.set()

    def _has_lasted(self) -> bool:
        last = self._last_block_seconds
        return last is not None and last - self._opened_seconds >= LASTING_SECONDS

    def _try_to_open(self, found: Found | None) -> None:
        try:
            found = self._device.find() if found is None else found
            if not self._was_quiet:  # else only blocks can show that all is well again
                self._complaint = ""
            if self.is_unwanted:  # since the search began, which may have taken long
                return
            self._awaits_block = True
            self._opened_seconds = time.monotonic()
            self._device.open(found)
            self._opened_seconds = time.monotonic()
            self._is_open = True
        except SourceError as error:
            if not self.is_unwanted:
                self._report_loss(f"{error} It is looked for.")
        except (OSError, RuntimeError) as error:  # no descriptor or thread is left, for a while
            self._device.close()
            self._report_loss(
                f"It cannot be opened ({cause_of(error).rstrip('.')}). It is looked for."
            )

    def _report_loss(self, detail: str) -> None:
        """Report it once: later attempts fail for reasons that follow from the first."""
        if self._reported is None or self._reported[0] != "reconnecting":
            self._report("reconnecting", detail)

    def _report(self, status: StreamStatus, detail: str) -> None:
        with self._reporting:  # the writing thread reports the first block, and pauses
            if status == "running" and self._awaits_block:
                return
            new = (status, detail, self._device.about)
            if self._reported != new:
                self._reported = new
                self._on_status(status, detail)

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
