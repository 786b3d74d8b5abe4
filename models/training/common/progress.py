"""Shows the progress and the remaining time of a long run."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def progress(items: Sequence[T], title: str) -> Iterator[T]:
    """Yield the items, and show progress on stderr: a bar on a terminal, else a line every 20 s."""
    began = time.monotonic()
    shown = began
    live = sys.stderr.isatty()
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if done == len(items) or now - shown > (0.2 if live else 20):
            shown = now
            left = (now - began) / done * (len(items) - done)
            bar = "█" * (20 * done // len(items))
            line = f"{title} {bar:<20} {done}/{len(items)}, {minutes(left)} left"
            ending = "\n" if done == len(items) or not live else ""
            start = "\r\x1b[K" if live else ""
            sys.stderr.write(start + line + ending)
            sys.stderr.flush()


def minutes(seconds: float) -> str:
    """Format a duration as ``m:ss``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
