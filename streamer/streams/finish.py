"""The end of a stream, which threads and an event loop can wait for."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable


class Finish(threading.Event):
    """Set after the last event of a stream is published."""

    def __init__(self) -> None:
        super().__init__()
        self._on_set: Callable[[], object] = lambda: None

    def set(self) -> None:
        """Tell all who wait."""
        super().set()
        with contextlib.suppress(RuntimeError):  # the waiting loop has already ended
            self._on_set()

    async def wait_in_loop(self) -> None:
        """Wait without a thread: an event loop has only a few of them."""
        loop, finished = asyncio.get_running_loop(), asyncio.Event()
        self._on_set = lambda: loop.call_soon_threadsafe(finished.set)
        if not self.is_set():
            await finished.wait()
