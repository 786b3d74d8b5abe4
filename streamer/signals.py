"""What the system's signals ask of the daemon."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def heeding_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM call ``stop`` in the event loop instead of raising."""
    loop = asyncio.get_running_loop()
    handled = (signal.SIGINT, signal.SIGTERM)
    try:
        for number in handled:
            loop.add_signal_handler(number, stop)
    except NotImplementedError:  # Windows
        for number in handled:
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
    yield
