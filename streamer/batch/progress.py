"""Shows on standard error how far a run is: a live line on a terminal, else a line now and then."""

from __future__ import annotations

import contextlib
import shutil
import sys
import threading
import time
from types import TracebackType

from emotiond.streamer.standard_streams import say

_LIVE_SECONDS = 0.5
_PLAIN_SECONDS = 30.0
_ERASED = "\r\x1b[K"


class Progress:
    """Any thread may report to it. As a context manager, it shows the line meanwhile.

    Args:
        files: how many there are.
        is_shown: False where the results go to the same terminal, and show it themselves.
    """

    def __init__(self, files: int, *, is_shown: bool) -> None:
        self._files = files
        self._done = self._new = 0
        self._sound_seconds = 0.0
        self._begun = time.monotonic()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._is_live = is_shown and sys.stderr.isatty()
        self._pause_seconds = _LIVE_SECONDS if self._is_live else _PLAIN_SECONDS
        self._thread = threading.Thread(target=self._show, daemon=True) if is_shown else None

    def __enter__(self) -> Progress:
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._erase()

    @property
    def done(self) -> int:
        """Files with a result or an error so far."""
        return self._done

    def add_sound(self, seconds: float) -> None:
        """Count sound that was analyzed."""
        with self._lock:
            self._sound_seconds += seconds

    def add_file(self, *, is_new: bool) -> None:
        """Count a file that is done; it is new unless its result was kept already."""
        with self._lock:
            self._done += 1
            self._new += is_new

    def say(self, text: str) -> None:
        """Print a line to standard error, before the live one."""
        with self._lock:
            self._erase()
            say(text)

    def line(self, seconds: float) -> str:
        """Return the line.

        Args:
            seconds: since the begin.
        """
        hours, speed = self._sound_seconds / 3600, self._sound_seconds / max(seconds, 1e-3)
        text = (
            f"{self._done:,} of {self._files:,} recordings, {hours:.1f} hours of sound, "
            f"{speed:,.0f} times real time"
        )
        if self._new and self._done < self._files:
            left = seconds / self._new * (self._files - self._done)
            text += f", about {_duration(left)} left"
        return text

    def _show(self) -> None:
        while not self._ended.wait(self._pause_seconds):
            with self._lock:
                line = self.line(time.monotonic() - self._begun)
                if self._is_live:
                    width = shutil.get_terminal_size().columns - 1
                    with contextlib.suppress(OSError):
                        print(f"{_ERASED}{line[:width]}", end="", file=sys.stderr, flush=True)
                else:
                    say(f"emotiond: {line}")

    def _erase(self) -> None:
        if self._is_live:
            with contextlib.suppress(OSError):
                print(_ERASED, end="", file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    """Return a duration in two units at most."""
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours / 24:.0f} days"
