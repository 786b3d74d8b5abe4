"""Publishes events at one ZeroMQ endpoint."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Sequence, Set
from pathlib import Path

import zmq

from emotiond.exceptions import ServeError
from emotiond.streamer.hub import Message
from emotiond.streamer.outputs.zeromq_keys import Keys
from emotiond.streamer.outputs.zeromq_socket import BoundSocket
from emotiond.streamer.outputs.zeromq_subscriptions import Subscriptions
from emotiond.streamer.server.limits import affordable_subscribers
from emotiond.streamer.server.occupancy import Occupancy
from emotiond.streamer.sparing_log import SparingLog

_log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 5.0  # for a subscriber that holds up a lossless stream, and for the port
_SPARE_SECONDS = 0.2  # beyond the time that closing should take
_ASK_SECONDS = 0.1
_AGAIN_SECONDS = 0.1
LOOK_SECONDS = 2.0
"""From one look at the keys, and at the file of the socket, to the next."""
_MOST_FRAMES = 50  # of subscribers, read at once
_PAUSE_SECONDS = 0.005  # after so many: a flood of them must not delay the rest


Frames = Callable[[Message], Sequence[bytes]]
"""Makes the frames of a message, the topic first; none if it is not published."""


def topic_and_content(message: Message) -> Sequence[bytes]:
    """Return two frames: the type, and the JSON object."""
    return message.type.encode(), message.content


class ZeroMQPublisher:
    """An XPUB socket in the event loop. New subscribers get the last events.

    A slow subscriber misses messages beyond its high-water mark; the others miss none. libzmq can
    end no single subscriber: if they have it keep too much, or if a key is removed, the socket is
    closed and bound anew; so it is if its file is gone. Subscribers connect again by themselves.

    Args:
        endpoint: such as ``tcp://127.0.0.1:8766``.
        last_messages: returns the first messages for a new subscriber.
        lossless: whether to wait a while for slow subscribers instead.
        folder: has the keys of the daemon and the subscribers; None for no encryption.
        frames: makes the frames of a message.
        flag: the one that chose the endpoint.

    Raises:
        ServeError: the endpoint is malformed or in use.
        ConfigError: the keys cannot be read.
    """

    def __init__(
        self,
        endpoint: str,
        last_messages: Callable[[], Iterable[Message]],
        lossless: bool,
        folder: Path | None = None,
        frames: Frames = topic_and_content,
        flag: str = "--zmq",
    ) -> None:
        self._frames = frames
        self._last_messages = last_messages
        self._lossless = lossless
        self._flag = flag
        self._keys = None if folder is None else Keys(folder)
        self._backlog: list[Message] = []
        self.linger_seconds = 0.0
        """Time that closing takes at least, if something is left to send."""
        self.dropped = 0
        """How often a subscriber's queue was full. ZeroMQ does not count the missed messages."""
        self.occupancy = Occupancy(affordable_subscribers())
        """All connections over TCP, on Linux."""
        self._sparing_log = SparingLog(_log)
        self._bound: BoundSocket | None = self._open(endpoint)
        self._endpoint = self._bound.endpoint
        self._subscriptions = Subscriptions()
        self._unbound_seconds = 0.0
        """When the socket was given up, by the loop's clock."""
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._later: asyncio.Handle | None = None
        self._watching = self._loop.create_task(self._watch())
        self._listen()

    @property
    def endpoint(self) -> str:
        """An endpoint for this machine's subscribers, with the real port for a wildcard."""
        return self._endpoint.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")

    @property
    def failure(self) -> str | None:
        """Why no subscriber can connect, if that lasts; None otherwise."""
        patience_ends = self._unbound_seconds + _PATIENCE_SECONDS
        if self._bound is not None or self._closed or self._loop.time() < patience_ends:
            return None
        return f"{self._endpoint} cannot be bound anew for ZeroMQ"

    def send(self, message: Message) -> None:
        """Publish a message. A lossless run keeps a message that does not fit a queue."""
        if self._bound is None:
            self.dropped += 1
        elif self._lossless and (self._backlog or not self._try_to_send(message)):
            self._backlog.append(message)
        elif not self._lossless:
            self._send_past_the_slow(message)
        self._greet_subscribers()  # sending may have consumed the descriptor's edge

    async def drained(self, wholly: bool = False) -> None:
        """Wait until all subscribers have room. After five seconds the slow ones miss events.

        ZeroMQ does not report when all messages are delivered. If ``wholly``, :meth:`close` lets
        ZeroMQ deliver them for five seconds more.
        """
        if wholly:
            self.linger_seconds = _PATIENCE_SECONDS
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self._backlog:
            if self._try_to_send(self._backlog[0]):
                del self._backlog[0]
            elif time.monotonic() > deadline:
                _log.warning("a ZeroMQ subscriber does not read: it is not waited for any more")
                self._lossless = False
                for message in self._backlog:
                    self._send_past_the_slow(message)
                self._backlog.clear()
            else:
                await asyncio.sleep(0.005)  # ZeroMQ has no event for this
        self._greet_subscribers()

    async def close(self, timeout_seconds: float) -> None:
        """Send the rest and close, in time unless drained wholly before. The loop stands still."""
        self._closed = True
        self._watching.cancel()
        linger_seconds = max(timeout_seconds, self.linger_seconds)
        ended = self._unbind(linger_seconds)
        if ended is not None:
            # ZeroMQ promises that this takes no longer than the linger time. It is not relied upon.
            with contextlib.suppress(concurrent.futures.TimeoutError):
                ended.result(linger_seconds + _SPARE_SECONDS)

    def _listen(self) -> None:
        assert self._bound is not None
        try:
            self._loop.add_reader(self._bound.socket.FD, self._greet_subscribers)
        except NotImplementedError:  # Windows: poll
            self._ask_for_subscribers()

    def _pause(self) -> None:
        """Read nothing for a moment, so that a subscriber's frames wait in its connection."""
        assert self._bound is not None
        with contextlib.suppress(NotImplementedError):  # Windows
            self._loop.remove_reader(self._bound.socket.FD)
            self._call_later(_PAUSE_SECONDS, self._go_on)

    def _go_on(self) -> None:
        self._listen()
        self._greet_subscribers()

    def _ask_for_subscribers(self) -> None:
        self._greet_subscribers()
        self._call_later(_ASK_SECONDS, self._ask_for_subscribers)

    def _call_later(self, seconds: float, function: Callable[[], None]) -> None:
        if self._later is not None:
            self._later.cancel()
        self._later = self._loop.call_later(seconds, function)

    def _unbind(self, linger_seconds: float) -> concurrent.futures.Future[None] | None:
        """Close the socket. Returns the future of :meth:`BoundSocket.close`; None without one."""
        if self._later is not None:
            self._later.cancel()
        bound, self._bound = self._bound, None
        if bound is None:
            return None
        with contextlib.suppress(NotImplementedError):  # Windows
            self._loop.remove_reader(bound.socket.FD)
        return bound.close(linger_seconds)

    def _bind_anew(self, reason: str) -> None:
        """Give up the socket with all its subscriptions, and bind another one."""
        self._sparing_log.warning(f"{reason}: {self._endpoint} is closed and bound anew")
        self._backlog.clear()
        self._subscriptions = Subscriptions()
        self._unbound_seconds = self._loop.time()
        ended = self._unbind(linger_seconds=0)
        assert ended is not None

        def bind_soon(_: concurrent.futures.Future[None]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._bind)

        ended.add_done_callback(bind_soon)

    def _bind(self) -> None:
        if self._closed:
            return
        try:
            self._bound = self._open(self._endpoint)
        except ServeError:  # another program has taken it
            self._call_later(_AGAIN_SECONDS, self._bind)
        else:
            self._listen()

    def _open(self, endpoint: str) -> BoundSocket:
        return BoundSocket(endpoint, self._flag, self._keys, self.occupancy, self._sparing_log)

    async def _watch(self) -> None:
        """Bind anew if a key is removed, or if another file has taken the place of the socket's."""
        before = await self._public_keys()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            were_there = self._keys is None or self._keys.are_there
            now = await self._public_keys()
            if self._keys is not None and not (were_there and self._keys.are_there):
                # A subscriber that is refused once never tries again: let all that are there stay.
                self._sparing_log.warning(f"{self._keys.folder} is gone: no subscriber is admitted")
                continue
            if self._bound is not None and self._keys is not None and before - now:
                self._bind_anew(f"a key is no longer in {self._keys.folder}")
            elif self._bound is not None and not self._bound.has_its_file:
                self._bind_anew("the socket at that path is gone, or is another program's")
            before = now

    async def _public_keys(self) -> Set[bytes]:
        return set() if self._keys is None else await asyncio.to_thread(self._keys.public)

    def _send_past_the_slow(self, message: Message) -> None:
        """Send a message to all subscribers with room, and count if one has none."""
        if self._try_to_send(message):
            return
        self.dropped += 1
        assert self._bound is not None
        self._bound.socket.setsockopt(zmq.XPUB_NODROP, 0)
        self._try_to_send(message)
        self._bound.socket.setsockopt(zmq.XPUB_NODROP, 1)

    def _try_to_send(self, message: Message) -> bool:
        frames = self._frames(message)
        try:
            if frames and self._bound is not None:
                self._bound.socket.send_multipart(frames, zmq.DONTWAIT)
        except zmq.Again:
            return False
        return True

    def _greet_subscribers(self) -> None:
        """Confirm new subscriptions, and send the last events.

        Subscriptions hold from here on. So a subscriber misses nothing between the last events
        and the next one, and no event comes to it twice.
        """
        if self._bound is None or self._backlog:  # the backlog is older than the last events
            return
        # The descriptor is edge-triggered: read everything, or schedule another call.
        topics: set[bytes] = set()
        try:
            for _ in range(_MOST_FRAMES):
                topic = self._subscriptions.take(self._bound.socket)
                if topic is not None:
                    topics.add(topic)
                if self._subscriptions.are_too_many:
                    self._bind_anew("ZeroMQ subscribers have too many subscriptions")
                    return
        except zmq.Again:
            pass
        else:
            self._pause()
        if not topics:  # the usual case
            return
        for message in self._last_messages():  # once, however many subscribers are new
            if (frames := self._frames(message)) and frames[0].startswith(tuple(topics)):
                self._send_past_the_slow(message)
