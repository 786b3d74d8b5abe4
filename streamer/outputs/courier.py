"""Delivers events one at a time in a thread of its own, the newest of each stream: latest wins.

Those of the daemon's own streams come before those of clients.

The command of ``--on-change`` and the web hook share it. The live stream never waits for either.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emotiond.streamer.outputs.output import About, call_in_thread, wait_while
from emotiond.streamer.server.prometheus import metric
from emotiond.streamer.sparing_log import SparingLog

if TYPE_CHECKING:
    from emotiond.streamer.hub import Message

EVENTS = ("change", "status")
"""The types of events that are delivered: what a handler has to act on, not four a second."""
MOST_WAITING = 64
"""Events that wait: one of each type and stream."""
MOST_TRIES = 6
PAUSES_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""After failures in a row. The last one holds until a delivery succeeds."""
LONGEST_PAUSE_SECONDS = 60.0
"""The longest pause that the other side may ask for."""
_PATIENCE_SECONDS = 5.0  # of a lossless stream

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of a delivery."""

    problem: str | None = None
    """Why it failed, in a few words; None if it succeeded."""
    again: bool = False
    """Whether another try may succeed."""
    pause_seconds: float = 0.0
    """How long the other side asks not to be tried again."""


Deliver = Callable[["Message"], Outcome]
"""Delivers an event. It blocks for a limited time, and shorter once it is told to end."""


class Courier:
    """An output that hands events to a function in its own thread.

    Args:
        name: of the output in ``/healthz`` and ``/metrics``, such as ``webhook``.
        subject: of its errors, such as ``the web hook``.
        address: for the announcement.
        deliver: delivers an event.
        end: called from another thread, ends the delivery that runs. It gets the time for that.
    """

    def __init__(
        self,
        name: str,
        subject: str,
        address: str,
        deliver: Deliver,
        end: Callable[[float], None],
    ) -> None:
        self.failure: str | None = None
        self.dropped = 0
        """Number of events that a newer one has replaced, or that found no room."""
        self._name = name
        self._subject = subject
        self._address = address
        self._deliver = deliver
        self._end = end
        self._log = SparingLog(_log)
        self._problem: str | None = None  # of the last delivery
        self._results = Counter(delivered=0, failed=0)
        self._waiting: dict[tuple[str, str], Message] = {}  # by stream and type, oldest first
        self._is_busy = False
        self._closes = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"emotiond-{name}", daemon=True)
        self._thread.start()

    def send(self, message: Message) -> None:
        """Let an event wait in the place of an older one of its stream and type."""
        if message.type not in EVENTS:
            return
        with self._changed:
            key = message.stream, message.type
            if self._waiting.pop(key, None) is not None:
                self.dropped += 1
            elif len(self._waiting) >= MOST_WAITING:
                del self._waiting[self._first(of_clients=True)]
                self.dropped += 1
            self._waiting[key] = message
            self._changed.notify_all()

    async def drained(self, wholly: bool = False) -> None:
        """Wait until no event waits or, if ``wholly``, all are delivered; 5 s at most.

        It does not wait for what has failed the last time.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        await wait_while(
            lambda: (
                bool(self._waiting or (wholly and self._is_busy))
                and self._problem is None
                and time.monotonic() < deadline
            )
        )

    def about(self) -> About:
        """Return where events go, whether the last one got there, and how many did not."""
        problem = self._problem
        counts = [(float(count), {"result": result}) for result, count in self._results.items()]
        return About(
            address=self._address,
            disconnected=None if problem is None else f"{self._subject} fails: {problem}",
            health={
                self._name: {
                    "state": "failing" if problem is not None else "ok",
                    "problem": problem,
                    **self._results,
                }
            },
            metrics=[
                metric(
                    f"emotiond_{self._name}_total",
                    "counter",
                    f"Events that {self._subject} has got, or not.",
                    *counts,
                )
            ],
        )

    async def ready(self) -> None:
        """Return at once."""

    async def close(self, timeout_seconds: float) -> None:
        """Deliver what waits in half of the time, and end what runs then in the other half."""
        await call_in_thread(self._close, timeout_seconds / 2)

    def _close(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: not (self._waiting or self._is_busy) or self._problem is not None, seconds
            )
            self._closes = True
            self._changed.notify_all()
        self._end(seconds)
        self._thread.join(seconds)

    def _run(self) -> None:
        tries, failures_in_row = 0, 0
        tried: tuple[str, str] | None = None
        while (message := self._next()) is not None:
            if (key := (message.stream, message.type)) != tried:
                tries, tried = 0, key
            tries += 1
            outcome = self._try(message)
            failures_in_row = 0 if outcome.problem is None else failures_in_row + 1
            waits_again = outcome.again and tries < MOST_TRIES
            self._note(message, outcome, waits_again)
            tries = tries if waits_again else 0
            if outcome.again:
                pause_seconds = PAUSES_SECONDS[min(failures_in_row, len(PAUSES_SECONDS)) - 1]
                asked_seconds = min(outcome.pause_seconds, LONGEST_PAUSE_SECONDS)
                self._pause(max(pause_seconds, asked_seconds))

    def _try(self, message: Message) -> Outcome:
        try:
            return self._deliver(message)
        except Exception as error:  # a fault here must not end the deliveries for good
            return Outcome(f"internal error: {type(error).__name__}")

    def _next(self) -> Message | None:
        """Return the event whose turn it is, when there is one; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closes)
            if self._closes:
                return None
            self._is_busy = True
            return self._waiting.pop(self._first(of_clients=False))

    def _first(self, of_clients: bool) -> tuple[str, str]:
        """Return the oldest that waits, if there is one of a client's stream, or of the daemon's.

        However much clients publish, it costs the daemon's own streams no event.
        """
        oldest = next(iter(self._waiting))
        return next(
            (
                key
                for key, message in self._waiting.items()
                if (message.publisher is not None) == of_clients
            ),
            oldest,
        )

    def _note(self, message: Message, outcome: Outcome, waits_again: bool) -> None:
        """Note an outcome. An event that is tried again comes first, unless a newer one is here."""
        with self._changed:
            self._is_busy = False
            if self._closes:  # ended halfway: that is no failure
                return
            failed_before = self._problem is not None
            self._problem = outcome.problem
            key = message.stream, message.type
            if not waits_again:
                self._results["delivered" if outcome.problem is None else "failed"] += 1
            elif key in self._waiting:
                self.dropped += 1
            else:
                self._waiting = {key: message, **self._waiting}
            self._changed.notify_all()
        if outcome.problem is not None:
            self._log.warning(f"{self._subject} fails: ", outcome.problem)
        elif failed_before:
            self._log.warning(f"{self._subject} works again")

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closes, seconds)
