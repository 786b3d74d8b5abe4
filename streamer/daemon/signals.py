"""Handles the system's signals."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def handling_signals(stop: Callable[[], None], toggle_mute: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` on Ctrl-C and SIGTERM, and ``toggle_mute`` on SIGUSR1, in the event loop."""
    loop = asyncio.get_running_loop()
    handled = (signal.SIGINT, signal.SIGTERM)
    try:
        for number in handled:
            loop.add_signal_handler(number, stop)
        loop.add_signal_handler(signal.SIGUSR1, toggle_mute)
    except NotImplementedError:  # Windows
        for number in handled:
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
    yield
