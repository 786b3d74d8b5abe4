"""Holds sound that comes faster than it is spoken to real time."""

from __future__ import annotations

import time

FLOOD_SECONDS = 10.0
"""Over how long it is judged whether sound comes faster than real time."""
_MOST_AHEAD_SECONDS = 0.5
_MOST_AWAITED = 0.1
"""The share of its time for which faster sound is awaited. For live sound it is nearly all."""


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


class Flood:
    """Notices that sound comes faster than it is played: it hardly has to be awaited any more."""

    def __init__(self) -> None:
        self._began_seconds, self._awaited_seconds = time.monotonic(), 0.0
        self._is_one = False

    def is_one(self, awaited_seconds: float) -> bool:
        """Note for how long the next sound was awaited, and return whether it floods."""
        self._awaited_seconds += awaited_seconds
        now = time.monotonic()
        if now - self._began_seconds >= FLOOD_SECONDS:
            most_seconds = _MOST_AWAITED * (now - self._began_seconds)
            self._is_one = self._awaited_seconds < most_seconds
            self._began_seconds, self._awaited_seconds = now, 0.0
        return self._is_one
