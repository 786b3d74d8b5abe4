"""Publishes events over ZeroMQ, in two frames, or in one for those who keep only the latest.

A subscriber with ``CONFLATE`` keeps the last frame, not the last message. Two frames, the type as
the topic and the JSON object, are not for it.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import errno
import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import zmq
from zmq.auth import load_certificate
from zmq.auth.thread import ThreadAuthenticator

from emotiond.exceptions import ConfigError, ServeError
from emotiond.streamer.background import run_in_background
from emotiond.streamer.hub import Message
from emotiond.streamer.outputs.output import About
from emotiond.streamer.protocol.events import Emotion, encode, to_json

_log = logging.getLogger(__name__)
_quiet_log = logging.getLogger("emotiond.zeromq")  # for mistakes of subscribers

_HIGH_WATER_MARK = 1000  # messages per subscriber; at 4 a second, four minutes
_PATIENCE_SECONDS = 5.0  # for a subscriber that holds up a lossless stream
_SPARE_SECONDS = 0.2  # beyond the time that closing should take
_ASK_SECONDS = 0.1
_MOST_SUBSCRIPTIONS = 100  # read at once: a flood of them must not delay the rest
_LARGEST_TOPIC_BYTES = 1024
_HANDSHAKE_MS = 5_000
_HEARTBEAT_MS = 20_000
_VANISHED_MS = 60_000


Frames = Callable[[Message], Sequence[bytes]]
"""Makes the frames of a message, the topic first; none if it is not published."""


def topic_and_content(message: Message) -> Sequence[bytes]:
    """Return two frames: the type, and the JSON object."""
    return message.type.encode(), message.content


def emotion_by_stream(message: Message) -> Sequence[bytes]:
    """Return one frame for an ``emotion``: the JSON object, which begins with its stream.

    So ``{"stream":"mic"`` is a topic.
    """
    if not isinstance(message.event, Emotion):
        return ()
    return (encode({"stream": message.stream, **to_json(message.event)}).encode(),)


class Publishers:
    """The two endpoints as one output.

    Args:
        endpoint: the endpoint of two frames; None for none.
        latest: the endpoint of single frames; None for none.
        last_messages: as for :class:`ZeroMQPublisher`, as the following.
        lossless: whether to wait a while for slow subscribers.
        keys: the folder with the keys.

    Raises:
        ServeError: an endpoint is malformed or in use.
        ConfigError: the keys cannot be read.
    """

    def __init__(
        self,
        endpoint: str | None,
        latest: str | None,
        last_messages: Callable[[], Iterable[Message]],
        lossless: bool,
        keys: Path | None,
    ) -> None:
        self.failure: str | None = None
        self._all: dict[str, ZeroMQPublisher] = {}
        wanted = (
            ("ZeroMQ", "--zmq", endpoint, topic_and_content),
            ("ZeroMQ latest", "--zmq-latest", latest, emotion_by_stream),
        )
        try:
            for name, flag, place, frames in wanted:
                if place is not None:
                    self._all[name] = ZeroMQPublisher(
                        place, last_messages, lossless, keys, frames, flag
                    )
        except BaseException:
            for each in self._all.values():
                each.close_at_once()
            raise

    @property
    def dropped(self) -> int:
        """How often a subscriber's queue was full."""
        return sum(each.dropped for each in self._all.values())

    def send(self, message: Message) -> None:
        """Publish a message at each endpoint."""
        for each in self._all.values():
            each.send(message)

    async def drained(self, wholly: bool = False) -> None:
        """Wait until all subscribers have room."""
        for each in self._all.values():
            await each.drained(wholly)

    def about(self) -> About:
        """Return the addresses."""
        return About(
            address=", ".join(f"{name} {each.endpoint}" for name, each in self._all.items())
        )

    async def ready(self) -> None:
        """Return at once."""

    async def close(self, timeout_seconds: float) -> None:
        """Send the rest and close, in time unless drained wholly before."""
        await asyncio.gather(*(each.close(timeout_seconds) for each in self._all.values()))


class ZeroMQPublisher:
    """An XPUB socket in the event loop. New subscribers get the last events.

    A slow subscriber misses messages beyond its high-water mark; the others miss none.

    Args:
        endpoint: such as ``tcp://127.0.0.1:8766``.
        last_messages: returns the first messages for a new subscriber.
        lossless: whether to wait a while for slow subscribers instead.
        keys: the folder with the keys of the daemon and the subscribers, see ``_authenticate``.
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
        keys: Path | None = None,
        frames: Frames = topic_and_content,
        flag: str = "--zmq",
    ) -> None:
        self._frames = frames
        self._last_messages = last_messages
        self._lossless = lossless
        self._backlog: list[Message] = []
        self._linger_seconds = 0.0
        """Time that closing takes at least, if something is left to send."""
        self.dropped = 0
        """How often a subscriber's queue was full. ZeroMQ does not count the missed messages."""
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.XPUB)
        self._socket.setsockopt(zmq.SNDHWM, _HIGH_WATER_MARK)
        self._socket.setsockopt(zmq.XPUB_VERBOSE, 1)  # report every subscriber, not only the first
        self._socket.setsockopt(zmq.XPUB_NODROP, 1)  # report a full queue
        self._socket.setsockopt(zmq.MAXMSGSIZE, _LARGEST_TOPIC_BYTES)  # only topics come in
        self._socket.setsockopt(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
        self._socket.setsockopt(zmq.HEARTBEAT_IVL, _HEARTBEAT_MS)  # finds vanished subscribers
        # And lets subscribers notice that the daemon has vanished, as after a suspend.
        self._socket.setsockopt(zmq.HEARTBEAT_TTL, _VANISHED_MS)
        if "[" in endpoint:  # tcp://[::] then takes subscribers over IPv4, too
            self._socket.setsockopt(zmq.IPV6, 1)
        self._authenticator: ThreadAuthenticator | None = None
        if keys is not None:
            self._authenticate(keys)
        try:
            self._socket.bind(endpoint)
        except zmq.ZMQError as error:
            self._end_authenticator()
            self._context.destroy(linger=0)
            raise ServeError(
                f"cannot open {endpoint} for ZeroMQ ({_reason(error)})",
                f"Choose another one with {flag} tcp://127.0.0.1:PORT, or none with {flag} off",
            ) from None
        self._loop = asyncio.get_running_loop()
        self._asking: asyncio.TimerHandle | None = None
        self._later: asyncio.TimerHandle | None = None
        try:
            self._loop.add_reader(self._socket.FD, self._greet_subscribers)
        except NotImplementedError:  # Windows: poll
            self._ask_for_subscribers()

    @property
    def endpoint(self) -> str:
        """An endpoint for this machine's subscribers, with the real port for a wildcard."""
        bound = str(self._socket.getsockopt_string(zmq.LAST_ENDPOINT))
        return bound.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")

    def send(self, message: Message) -> None:
        """Publish a message. A lossless run keeps a message that does not fit a queue."""
        if self._lossless and (self._backlog or not self._try_to_send(message)):
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
            self._linger_seconds = _PATIENCE_SECONDS
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

    async def close(self, timeout_seconds: float) -> None:
        """Send the rest and close, in time unless drained wholly before."""
        self._close(timeout_seconds)

    def close_at_once(self) -> None:
        """Close without sending the rest."""
        self._close(0)

    def _close(self, timeout_seconds: float) -> None:
        if self._later is not None:
            self._later.cancel()
        if self._asking is None:
            self._loop.remove_reader(self._socket.FD)
        else:
            self._asking.cancel()
        linger_seconds = max(timeout_seconds, self._linger_seconds)
        self._socket.close(round(1000 * linger_seconds))
        self._end_authenticator()
        # ZeroMQ promises that this takes no longer than the linger time. It is not relied upon.
        ended = run_in_background(self._context.term)
        with contextlib.suppress(concurrent.futures.TimeoutError):
            ended.result(linger_seconds + _SPARE_SECONDS)

    def _authenticate(self, folder: Path) -> None:
        """Encrypt with ``server.key_secret``; admit subscribers with a public key in ``*.key``."""
        try:
            _, secret = load_certificate(folder / "server.key_secret")
            if secret is None:
                raise ValueError("no secret key in server.key_secret")
            self._socket.curve_secretkey = secret
            self._socket.curve_server = True
            self._authenticator = ThreadAuthenticator(self._context, log=_quiet_log)
            self._authenticator.start()
            self._authenticator.configure_curve(domain="*", location=folder)
        except (OSError, ValueError, zmq.ZMQError) as error:
            self._end_authenticator()
            self._context.destroy(linger=0)
            reason = getattr(error, "strerror", None) or error
            raise ConfigError(
                f"cannot use the ZeroMQ keys in {folder} ({reason})",
                f"Make {folder}, and in it the keys: python -c 'from zmq.auth import "
                f'create_certificates as c; c("{folder}", "server"); c("{folder}", "client")' + "'",
            ) from None

    def _end_authenticator(self) -> None:
        if self._authenticator is not None:
            self._authenticator.stop()
            self._authenticator = None

    def _send_past_the_slow(self, message: Message) -> None:
        """Send a message to all subscribers with room, and count if one has none."""
        if self._try_to_send(message):
            return
        self.dropped += 1
        self._socket.setsockopt(zmq.XPUB_NODROP, 0)
        self._try_to_send(message)
        self._socket.setsockopt(zmq.XPUB_NODROP, 1)

    def _try_to_send(self, message: Message) -> bool:
        frames = self._frames(message)
        try:
            if frames:
                self._socket.send_multipart(frames, zmq.DONTWAIT)
        except zmq.Again:
            return False
        return True

    def _ask_for_subscribers(self) -> None:
        self._greet_subscribers()
        self._asking = self._loop.call_later(_ASK_SECONDS, self._ask_for_subscribers)

    def _greet_subscribers(self) -> None:
        if not int(self._socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:  # the usual case
            return
        # The descriptor is edge-triggered: read everything, or schedule another call.
        topics: set[bytes] = set()
        try:
            for _ in range(_MOST_SUBSCRIPTIONS):
                frame = self._socket.recv(zmq.DONTWAIT)
                if frame[:1] == b"\x01":
                    topics.add(frame[1:])
        except zmq.Again:
            pass
        else:
            self._later = self._loop.call_later(_ASK_SECONDS, self._greet_subscribers)
        for message in self._last_messages():  # once, however many subscribers are new
            if (frames := self._frames(message)) and frames[0].startswith(tuple(topics)):
                self._send_past_the_slow(message)


def _reason(error: zmq.ZMQError) -> str:
    if error.errno in (errno.ENODEV, errno.EADDRNOTAVAIL):
        return "this machine has no such address or interface"
    return os.strerror(error.errno) if error.errno else str(error)
