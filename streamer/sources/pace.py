"""Holds sound that comes faster than it is spoken to real time."""

from __future__ import annotations

import time

_MOST_AHEAD_SECONDS = 0.5


class Pace:
    """Tells how long to wait before the next block, so that it is at most half a second early.

    Args:
        held_up_seconds: how long live sound may be held up on its way, and then come at once. Other
            sound after a pause cannot have been spoken before the pause: that earns no credit.
    """

    def __init__(self, held_up_seconds: float = 0.0) -> None:
        self._held_up_seconds = held_up_seconds
        self._started_seconds = time.monotonic()
        self._spoken_seconds = 0.0

    def admit(self, block_seconds: float) -> float:
        """Count a block, and return the seconds to wait before it is written."""
        now = time.monotonic()
        self._spoken_seconds += block_seconds
        held_up_seconds = max(0.0, self._held_up_seconds - block_seconds)
        earliest_seconds = now - self._spoken_seconds - held_up_seconds
        self._started_seconds = max(self._started_seconds, earliest_seconds)
        ahead_seconds = self._spoken_seconds - (now - self._started_seconds)
        return max(0.0, ahead_seconds - _MOST_AHEAD_SECONDS)
