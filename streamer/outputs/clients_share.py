"""The share that clients' streams have of a queue in which the daemon's own events wait, too."""

from __future__ import annotations

import time
from collections.abc import Callable

from emotiond.streamer.hub import Message

EVENTS_AT_ONCE = 250
"""A quarter of a ZeroMQ subscriber's queue. Behind more than that, it reads heartbeats too late."""
EVENTS_PER_SECOND = 25.0
"""On top. Four streams in real time make some 20."""


class ClientsShare:
    """Lets the events of clients' streams through up to a rate, all of these streams together.

    So whoever reads this rate besides the daemon's own streams misses none of theirs.

    Args:
        now: returns the time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._seconds = now()
        self._left = float(EVENTS_AT_ONCE)
        self.skipped = 0
        """Number of events that were not let through."""

    def lets_through(self, message: Message) -> bool:
        """Return whether to send a message. A ``status`` counts, but is always sent."""
        if message.publisher is None:
            return True
        now = self._now()
        self._left = min(EVENTS_AT_ONCE, self._left + (now - self._seconds) * EVENTS_PER_SECOND)
        self._seconds = now
        if self._left < 1 and message.type != "status":
            self.skipped += 1
            return False
        self._left = max(0.0, self._left - 1)
        return True
