"""What waits for an MQTT broker, and what is on its way there: a second's messages each."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from emotiond.streamer.outputs.mqtt_topics import Publication

MOST_WAITING = 1000
"""Messages; beyond, the oldest are dropped."""
MOST_WAITING_SECONDS = 1.0
"""A message that has waited longer is no news."""
MOST_ON_WAY_SECONDS = 1.0
"""How long a message may take from here until the broker has read it. A slow broker gets fewer."""

PING_SECONDS = 0.5
"""Between pings, unless half of what may be on its way is."""

_MOST_ON_WAY = 256  # messages of events
_LATE_SECONDS = 2.0  # on the way: then the broker is behind
_BEHIND_SECONDS = 5.0  # for which it is, after a message has waited in vain


@dataclass(frozen=True)
class _Question:
    """A ping that is not answered yet."""

    number: int
    covered: int
    """Number of messages on their way that it follows."""
    seconds: float


class Outbox:
    """Messages in order, of which no more are on their way than the broker reads in a second.

    What is written to a connection is held by both systems, and by all between them: minutes of
    messages, for a broker that reads too slowly. None of them says how much it holds. But a broker
    answers a ping after all that came before it. So one ping follows the messages at any time, and
    its answer tells how many were read, and how fast.

    Times are those of a monotonic clock.

    Args:
        most_waiting_seconds: a message that waits longer is dropped.
    """

    def __init__(self, most_waiting_seconds: float = MOST_WAITING_SECONDS) -> None:
        self.dropped = 0
        """Number of messages that had no room, or waited too long."""
        self._most_waiting_seconds = most_waiting_seconds
        self._waiting: deque[tuple[float, Publication]] = deque()  # with the time of their coming
        self._on_way: deque[float] = deque()  # the time of their sending
        self._question: _Question | None = None
        self._asked_seconds = -math.inf  # the time of the last ping
        self._room = _MOST_ON_WAY
        self._in_vain_seconds = -math.inf  # the last time at which one had waited too long

    @property
    def waiting(self) -> int:
        """Number of messages that wait."""
        return len(self._waiting)

    @property
    def on_way(self) -> int:
        """Number of messages that the broker is not known to have read."""
        return len(self._on_way)

    def put(self, publications: Sequence[Publication], now: float) -> None:
        """Let messages wait. The oldest are dropped if there is no room."""
        self._waiting.extend((now, each) for each in publications)
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self.dropped += 1

    def take(self, now: float) -> Publication | None:
        """Return the next message; None if none is to be sent now."""
        while self._waiting and now - self._waiting[0][0] > self._most_waiting_seconds:
            self._waiting.popleft()
            self.dropped += 1
            self._in_vain_seconds = now
        asked = self._question
        is_late = asked is not None and now - asked.seconds > MOST_ON_WAY_SECONDS
        if is_late or len(self._on_way) >= self._room or not self._waiting:
            return None
        return self._waiting.popleft()[1]

    def take_all(self) -> Sequence[Publication]:
        """Return all that wait, whatever is on its way."""
        taken = [each for _, each in self._waiting]
        self._waiting.clear()
        return taken

    def drop_waiting(self) -> None:
        """Drop what waits, and count it."""
        self.dropped += len(self._waiting)
        self._waiting.clear()

    def begin(self) -> None:
        """Forget what was on its way: there is another connection."""
        self._on_way.clear()
        self._question, self._room = None, _MOST_ON_WAY

    def note_sent(self, now: float) -> None:
        """Note that a message is on its way."""
        self._on_way.append(now)

    @property
    def can_ask(self) -> bool:
        """Whether a ping may follow what was sent."""
        return bool(self._on_way) and self._question is None

    def wants_ping(self, now: float) -> bool:
        """Return whether a ping should follow now: not all the time, since each one costs."""
        is_time = now - self._asked_seconds >= PING_SECONDS
        return self.can_ask and (is_time or 2 * len(self._on_way) >= self._room)

    def note_ping(self, number: int, now: float) -> None:
        """Note that a ping follows what was sent. Numbers grow."""
        self._question = _Question(number, len(self._on_way), now)
        self._asked_seconds = now

    def note_answer(self, number: int, now: float) -> None:
        """Note that the broker has answered this ping, and so all before it."""
        asked = self._question
        if asked is None or number < asked.number:
            return
        self._question = None
        for _ in range(asked.covered):
            self._on_way.popleft()
        taken_seconds = now - asked.seconds
        if taken_seconds > MOST_ON_WAY_SECONDS:
            self._room = max(1, int(asked.covered * MOST_ON_WAY_SECONDS / taken_seconds))
        else:
            self._room = min(self._room + 1, _MOST_ON_WAY)

    def unread_seconds(self, now: float) -> float:
        """Return for how long the oldest message has been on its way."""
        return now - self._on_way[0] if self._on_way else 0.0

    def is_behind(self, now: float) -> bool:
        """Return whether the broker reads too slowly, or not at all."""
        is_in_vain = now - self._in_vain_seconds < _BEHIND_SECONDS
        return is_in_vain or self.unread_seconds(now) > _LATE_SECONDS
