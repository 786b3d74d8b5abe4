"""Holds what comes too often to a rate: it waits for its turn."""

from __future__ import annotations

import asyncio
import time


class Turns:
    """Lets so many through at once, and then so many a second, in the order in which they come.

    Args:
        at_once: how many.
        per_second: how many after those.
    """

    def __init__(self, at_once: int, per_second: float) -> None:
        self._ahead_seconds = (at_once - 1) / per_second
        self._pause_seconds = 1 / per_second
        self._next_seconds = -self._ahead_seconds

    async def take(self) -> None:
        """Wait for a turn."""
        now = time.monotonic()
        mine = max(self._next_seconds, now - self._ahead_seconds)
        self._next_seconds = mine + self._pause_seconds
        if mine > now:
            await asyncio.sleep(mine - now)
