"""Where the workers' threads hand events to the event loop, which fans them out to the outputs."""

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
        """The text as it goes over a wire."""
        return self.text.encode()


class Output(Protocol):
    """Something that events go out by. Called in the event loop only."""

    def send(self, message: Message) -> None:
        """Pass a message on without waiting; what does not fit is dropped and counted."""

    async def drained(self, wholly: bool = False) -> None:
        """Wait until there is room for more, or nothing is left; for a stated time at most."""


class Hub:
    """Fans messages out and keeps each stream's last ``emotion`` and ``status``.

    The queue from the threads is bounded: when the loop does not keep up, the oldest
    message is dropped and counted.
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
        """How many were published, by stream and type."""
        self.dropped_messages = 0

    def add(self, output: Output) -> None:
        """Let a output have all messages from now on."""
        self._outputs.append(output)

    def close(self) -> None:
        """Send what waits, and nothing from then on: a worker may still be busy."""
        self._fan_out()
        self._outputs = []

    def publish(self, stream: str, events: Sequence[Event], lossless: bool) -> None:
        """Send events to all sinks; call it from any thread but the loop's.

        Args:
            stream: whose they are.
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
            except RuntimeError:  # it has ended
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
            except RuntimeError:  # as above
                self._waiting.clear()

    def forget(self, stream: str) -> None:
        """Keep nothing of a stream that has ended and will not come again."""
        self._fan_out()
        self.last_emotion.pop(stream, None)
        self.last_status.pop(stream, None)
        for key in [key for key in self.event_counts if key[0] == stream]:
            del self.event_counts[key]

    async def drained(self, wholly: bool = False) -> None:
        """Wait until every output has room for more, or has passed on all; or has given up."""
        self._fan_out()
        for output in self._outputs:
            await output.drained(wholly)

    async def _deliver(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self._send(message)
        await self.drained()

    def _fan_out(self) -> None:
        self._scheduled = False  # first: what is appended from here on schedules anew
        while (message := self._next_waiting()) is not None:
            self._send(message)

    def _next_waiting(self) -> Message | None:
        try:
            return self._waiting.popleft()
        except IndexError:  # asked in this way, since a worker may drop the last one meanwhile
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
