"""Passes events from the workers' threads to the event loop and fans them out to the outputs."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from emotiond.streamer.protocol.events import Event, encode, to_json

_MOST_WAITING = 4096  # messages between the workers and the loop


@dataclass(frozen=True)
class Message:
    """An event, encoded once for all outputs."""

    type: str
    """Also the ZeroMQ topic."""
    stream: str
    text: str

    @functools.cached_property
    def content(self) -> bytes:
        """The text as bytes."""
        return self.text.encode()


class Output(Protocol):
    """A way out for events. Only the event loop calls it."""

    def send(self, message: Message) -> None:
        """Send a message without waiting. It is dropped and counted if there is no room."""

    async def drained(self, wholly: bool = False) -> None:
        """Wait for room or, if ``wholly``, until nothing is left; for a limited time."""


class Hub:
    """Fans messages out and keeps the last ``emotion`` and ``status`` of each stream.

    The queue from the threads is bounded. If the loop does not keep up, the hub drops the oldest
    message and counts it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._outputs: list[Output] = []
        self._waiting: deque[Message] = deque()
        self._scheduled = False
        self.last_emotion: dict[str, Message] = {}
        """By stream."""
        self.last_status: dict[str, Message] = {}
        """By stream."""
        self.event_counts: Counter[tuple[str, str]] = Counter()
        """Number of published events, by stream and type."""
        self.dropped_messages = 0

    def add(self, output: Output) -> None:
        """Let a output have all messages from now on."""
        self._outputs.append(output)

    def close(self) -> None:
        """Send the waiting messages. Later ones, from a busy worker perhaps, are discarded."""
        self._fan_out()
        self._outputs = []

    def publish(self, stream: str, events: Sequence[Event], lossless: bool) -> None:
        """Send events to all outputs. Any thread except the loop's may call this.

        Args:
            stream: the name of their stream.
            events: in order.
            lossless: whether to wait until every output has room for more.
        """
        messages = [_message(stream, event) for event in events]
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
        self.last_emotion.pop(stream, None)
        self.last_status.pop(stream, None)
        for key in [key for key in self.event_counts if key[0] == stream]:
            del self.event_counts[key]

    async def drained(self, wholly: bool = False) -> None:
        """Wait until every output has room or, if ``wholly``, is empty; or its time is over."""
        self._fan_out()
        for output in self._outputs:
            await output.drained(wholly)

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
        if message.type == "emotion":
            self.last_emotion[message.stream] = message
        elif message.type == "status":
            self.last_status[message.stream] = message
        for output in self._outputs:
            output.send(message)


def _message(stream: str, event: Event) -> Message:
    values = to_json(event)
    return Message(values["type"], stream, encode(values))
