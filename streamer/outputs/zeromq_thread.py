"""Keeps a ZeroMQ endpoint in a thread of its own, since libzmq does not bound the time of a call.

libzmq applies what subscribers do within the calls of the thread that sends: that they connect,
subscribe and leave. While they do more than it can apply, a call does not return. So the event loop
of the daemon makes none.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

from emotiond.streamer.hub import Message
from emotiond.streamer.outputs.zeromq_publisher import ZeroMQPublisher
from emotiond.streamer.protocol.events import Status
from emotiond.streamer.server.occupancy import Occupancy
from emotiond.streamer.sparing_log import SparingLog

MOST_WAITING = 1000
"""Messages that wait for the thread."""
_PATIENCE_SECONDS = 5.0
_SPARE_SECONDS = 0.3  # beyond the time that the publisher takes by itself

_log = SparingLog(logging.getLogger(__name__))

LastMessages = Callable[[], Iterable[Message]]


class PublisherThread:
    """Runs a publisher in an event loop of its own. The daemon's event loop calls this.

    Args:
        make: makes the publisher, from what returns the first messages for a new subscriber.
        last_messages: returns the last messages of all streams, in any thread.

    Raises:
        ServeError: the endpoint is malformed or in use.
        ConfigError: the keys cannot be read.
    """

    def __init__(
        self, make: Callable[[LastMessages], ZeroMQPublisher], last_messages: LastMessages
    ) -> None:
        self._last_messages = last_messages
        self._waiting: deque[tuple[float, Message]] = deque()  # with the time of their coming
        self._given: dict[str, int] = {}  # by stream, the newest one that has come
        self._dropped = 0
        self._is_scheduled = False
        self._started: concurrent.futures.Future[ZeroMQPublisher] = concurrent.futures.Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(make)), name="emotiond-zeromq-socket"
        )
        self._thread.daemon = True
        self._thread.start()
        self._publisher = self._started.result()

    @property
    def endpoint(self) -> str:
        """An endpoint for this machine's subscribers."""
        return self._publisher.endpoint

    @property
    def failure(self) -> str | None:
        """Why no subscriber can connect, if that lasts; None otherwise."""
        return self._publisher.failure

    @property
    def trouble(self) -> str | None:
        """Why events come late or not at all, if that lasts; None otherwise."""
        oldest = next(iter([*self._waiting]), None)
        if oldest is None or time.monotonic() - oldest[0] < _PATIENCE_SECONDS:
            return None
        return f"ZeroMQ subscribers at {self.endpoint} keep it from sending"

    @property
    def dropped(self) -> int:
        """How often a queue was full: a subscriber's, or that before the thread."""
        return self._publisher.dropped + self._dropped

    @property
    def occupancy(self) -> Occupancy:
        """All connections over TCP, on Linux."""
        return self._publisher.occupancy

    def send(self, message: Message) -> None:
        """Let the thread publish a message. The oldest one is dropped if too many wait."""
        if len(self._waiting) >= MOST_WAITING:
            self._dropped += self._next_waiting() is not None
        self._waiting.append((time.monotonic(), message))
        self._given[message.stream] = message.event.seq  # behind the line above: see _greeting
        is_ended = isinstance(message.event, Status) and message.event.status == "ended"
        if is_ended and message.publisher is not None:
            del self._given[message.stream]
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon_threadsafe(self._send_waiting)

    async def drained(self, wholly: bool = False) -> None:
        """Wait until all subscribers have room, for some more than five seconds at most."""
        drained = asyncio.wrap_future(self._start(self._publisher.drained(wholly)))
        await asyncio.wait([drained], timeout=_PATIENCE_SECONDS + _SPARE_SECONDS)

    def close(self, timeout_seconds: float) -> None:
        """Send the rest and close, in time unless drained wholly before. The loop stands still."""
        seconds = max(timeout_seconds, self._publisher.linger_seconds) + _SPARE_SECONDS
        closed = self._start(self._publisher.close(timeout_seconds))
        concurrent.futures.wait([closed], seconds)
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(_SPARE_SECONDS)

    async def _serve(self, make: Callable[[LastMessages], ZeroMQPublisher]) -> None:
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(_log.loop_exception)
        try:
            publisher = make(self._greeting)
        except BaseException as error:
            self._started.set_exception(error)
            return
        self._started.set_result(publisher)
        await self._ended.wait()

    def _start(self, work: Coroutine[Any, Any, None]) -> concurrent.futures.Future[None]:
        """Let the thread do something after all that waits."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _send_waiting(self) -> None:
        self._is_scheduled = False  # first: messages from here on schedule another call
        while (message := self._next_waiting()) is not None:
            self._publisher.send(message)

    def _next_waiting(self) -> Message | None:
        try:
            return self._waiting.popleft()[1]
        except IndexError:  # the other thread has taken the last one
            return None

    def _greeting(self) -> Sequence[Message]:
        """Return the last messages, without those that have still to be sent to all."""
        last_messages = [*self._last_messages()]
        given = dict(self._given)
        waiting = {id(message) for _, message in [*self._waiting]}
        return [
            each
            for each in last_messages
            if id(each) not in waiting and each.event.seq <= given.get(each.stream, -1)
        ]
