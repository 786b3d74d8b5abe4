"""Passes events from the workers' threads to the event loop and fans them out to the outputs."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import logging
from collections import Counter, deque
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Protocol

from emotiond.exceptions import cause_of
from emotiond.streamer.protocol.events import (
    Change,
    Emotion,
    Event,
    Status,
    encode,
    to_json,
    type_of,
)

_log = logging.getLogger(__name__)

_MOST_WAITING = 4096  # messages between the workers and the loop


@dataclass(frozen=True)
class Message:
    """An event, and its text, encoded once for all outputs."""

    event: Event
    text: str
    publisher: object | None = None
    """The client whose stream it is; None for the daemon's own streams."""

    @classmethod
    def of(cls, event: Event, publisher: object | None = None) -> Message:
        """Encode an event."""
        return cls(event, encode(to_json(event)), publisher)

    @functools.cached_property
    def type(self) -> str:
        """The event's type, which is also the ZeroMQ topic."""
        return type_of(self.event)

    @property
    def stream(self) -> str:
        """The name of the event's stream."""
        return self.event.stream

    @functools.cached_property
    def content(self) -> bytes:
        """The text as bytes."""
        return self.text.encode()


class Receiver(Protocol):
    """Takes the hub's messages. Only the event loop calls it.

    A receiver that raises loses its own message and delays no other receiver.
    """

    def send(self, message: Message) -> None:
        """Send a message without waiting. It is dropped and counted if there is no room."""

    async def drained(self, wholly: bool = False) -> None:
        """Wait for room or, if ``wholly``, until nothing is left; for a limited time."""


class Hub:
    """Fans messages out and keeps the last messages of each stream.

    The queue from the threads is bounded. If the loop does not keep up, the hub drops the oldest
    message and counts it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._receivers: dict[str, Receiver] = {}
        self._withheld: dict[str, Set[str]] = {}
        self._waiting: deque[Message] = deque()
        self._scheduled = False
        self.last_emotion: dict[str, Message] = {}
        """By stream."""
        self._last_seconds: dict[str, float] = {}  # when last_emotion was sent, in the loop's time
        self.last_status: dict[str, Message] = {}
        """By stream."""
        self._last_change: dict[str, Message] = {}  # where it came after last_emotion
        self.event_counts: Counter[tuple[str, str]] = Counter()
        """Number of published events, by stream and type."""
        self.dropped_messages = 0
        self.failures: dict[str, str] = {}
        """The first exception of each receiver that has raised one, by name."""
        self.lost_messages: Counter[str] = Counter()
        """Number of messages that a receiver has lost by raising exceptions, by name."""

    def add(self, name: str, receiver: Receiver, without: Set[str] = frozenset()) -> None:
        """Give a receiver all messages from now on.

        Args:
            name: unique among the receivers, for the log and the counters.
            receiver: takes the messages.
            without: names of streams whose messages it does not get.
        """
        self._receivers[name] = receiver
        self._withheld[name] = without

    def close(self) -> None:
        """Send the waiting messages. Later ones, from a busy worker perhaps, are discarded."""
        self._fan_out()
        self._receivers = {}

    def publish(self, messages: Sequence[Message], lossless: bool) -> None:
        """Send messages to all outputs. Any thread may call this; the loop's, if not lossless.

        Args:
            messages: in order.
            lossless: whether to wait until every output has room for more.
        """
        if lossless:
            delivery = self._deliver(messages)
            try:
                asyncio.run_coroutine_threadsafe(delivery, self._loop).result()
            except concurrent.futures.CancelledError:  # the loop ends, and with it all outputs
                pass
            except RuntimeError:  # the loop has ended
                delivery.close()
            return
        for message in messages:
            if len(self._waiting) >= _MOST_WAITING:
                self.dropped_messages += self._next_waiting() is not None
            self._waiting.append(message)
        if not self._scheduled:
            self._scheduled = True
            try:
                self._loop.call_soon_threadsafe(self._fan_out)
            except RuntimeError:  # the loop has ended
                self._waiting.clear()

    def forget(self, stream: str) -> None:
        """Forget a stream that has ended for good."""
        self._fan_out()
        self.forget_last(stream)
        self.last_status.pop(stream, None)
        for key in [key for key in self.event_counts if key[0] == stream]:
            del self.event_counts[key]

    def forget_last(self, stream: str) -> bool:
        """Forget what a new listener gets of a stream, but its status.

        Returns:
            Whether there was anything.
        """
        had_any = self.last_emotion.pop(stream, None) is not None
        self._last_seconds.pop(stream, None)
        self._last_change.pop(stream, None)
        return had_any

    def last_messages(self) -> Sequence[Message]:
        """Return what a new listener gets: all that each stream sent from its last ``emotion`` on.

        The last ``status`` is among them, however old it is. The next event of each stream follows
        without a gap. Any thread may call this.
        """
        kept = (self.last_status, self.last_emotion, self._last_change)
        messages = [message for each in kept for message in (*each.values(),)]
        return sorted(messages, key=lambda message: message.event.seq)

    def age_seconds(self, stream: str) -> float:
        """Return the time since the capture of the sound of a stream's last ``emotion``.

        It follows the monotonic clock. At full speed it is the time since the sending.

        Raises:
            KeyError: the stream has none.
        """
        event = self.last_emotion[stream].event
        age_ms = event.age_ms if isinstance(event, Emotion) else None
        return self._loop.time() - self._last_seconds[stream] + (age_ms or 0) / 1000

    async def drained(self, wholly: bool = False) -> None:
        """Wait until every output has room or, if ``wholly``, is empty; or its time is over."""
        self._fan_out()
        for name, receiver in tuple(self._receivers.items()):
            try:
                await receiver.drained(wholly)
            except Exception as error:  # a fault in one output must not end a lossless stream
                self._note_failure(name, error)

    async def _deliver(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self._send(message)
        await self.drained()

    def _fan_out(self) -> None:
        self._scheduled = False  # first: messages appended from here on schedule another call
        while (message := self._next_waiting()) is not None:
            self._send(message)

    def _next_waiting(self) -> Message | None:
        try:
            return self._waiting.popleft()
        except IndexError:  # a worker may drop the last message between a check and the pop
            return None

    def _send(self, message: Message) -> None:
        self.event_counts[message.stream, message.type] += 1
        if isinstance(message.event, Emotion):
            self.last_emotion[message.stream] = message
            self._last_seconds[message.stream] = self._loop.time()
            self._last_change.pop(message.stream, None)
        elif isinstance(message.event, Change):
            self._last_change[message.stream] = message
        elif isinstance(message.event, Status):
            self.last_status[message.stream] = message
        for name, receiver in self._receivers.items():
            if message.stream in self._withheld[name]:
                continue
            try:
                receiver.send(message)
            except Exception as error:  # a fault in one output must not cost the others
                self.lost_messages[name] += 1
                self._note_failure(name, error)

    def _note_failure(self, name: str, error: Exception) -> None:
        if name not in self.failures:
            self.failures[name] = f"{name} loses events ({cause_of(error)})"
            _log.error("%s", self.failures[name])
