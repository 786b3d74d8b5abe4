"""The connection to an MQTT broker: it comes and goes, and nobody waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from paho.mqtt.client import MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion

from emotiond.exceptions import cause_of, printable
from emotiond.streamer.outputs.mqtt_broker import Broker
from emotiond.streamer.outputs.mqtt_client import STEADY_SECONDS, PatientClient, reason_of
from emotiond.streamer.outputs.mqtt_topics import Publication
from emotiond.streamer.sparing_log import SparingLog

_log = logging.getLogger(__name__)

MOST_WAITING = 1000  # messages; beyond, the oldest are dropped
MOST_TOLD = 2 * MOST_WAITING  # messages that paho holds at most
KEEPALIVE_SECONDS = 10
"""A broker that has not answered for twice as long is gone."""
MOST_UNREAD_SECONDS = 2.0 * KEEPALIVE_SECONDS
"""So long a message may be on its way to a broker that gives other signs of life."""
MOST_WAITING_SECONDS = 2.0
"""A message that has waited longer is no news."""

_MOST_HANDED = 64  # messages of events that paho holds, since its own queue has no bound
_LOOK_SECONDS = 0.02
MOST_RECEIVED_PER_SECOND = 200
_MOST_READ_BYTES = 100  # of a message that comes
_LONGEST_TOPIC_CHARACTERS = 4096  # of a message that comes; the daemon's own are shorter
_LOST = "the connection is lost"


class LinkListener(Protocol):
    """Is told in the event loop what happens to the connection."""

    def on_connected(self) -> None:
        """The broker has accepted. Nothing that :meth:`Link.send` takes flows yet."""

    def on_lost(self) -> None:
        """The broker has gone, or did not come."""

    def on_received(self, topic: str, content: bytes, is_kept: bool) -> None:
        """A message has come, or its beginning; ``is_kept`` if the broker had kept it."""


class Link:
    """Keeps a connection to one broker, and sends in order, with a bounded queue.

    paho's own thread connects, reads and writes, and connects anew after growing pauses. All else
    is in the event loop. While there is no broker, messages are dropped and counted: what somebody
    felt a minute ago is no news.

    Args:
        broker: where it is, and how to get in.
        will: what the broker publishes if the connection is lost.
        listener: is told what happens.
        most_waiting_seconds: a message that waits longer is dropped.
    """

    def __init__(
        self,
        broker: Broker,
        will: Publication,
        listener: LinkListener,
        most_waiting_seconds: float = MOST_WAITING_SECONDS,
    ) -> None:
        self.dropped = 0
        """Number of messages that found no room or no broker, or waited too long."""
        self.sent = 0
        """Number of messages given to the connection."""
        self.is_connected = False
        self.trouble: str | None = None
        """Why there is no connection; None while there is one, or the first is being made."""
        self._broker = broker
        self._listener = listener
        self._most_waiting_seconds = most_waiting_seconds
        self._loop = asyncio.get_running_loop()
        self._sparing_log = SparingLog(_log)
        self._said: str | None = None  # the trouble that the log has, and whose end it has not
        self._connected_seconds = 0.0
        self._brief_ones = 0  # connections in a row that did not last
        self._return: asyncio.TimerHandle | None = None
        self._flows = self._is_closing = False
        self._waiting: deque[tuple[float, Publication]] = deque()  # with the time of their coming
        self._handed: deque[tuple[float, MQTTMessageInfo]] = deque()  # the same
        self._later: asyncio.TimerHandle | None = None
        self._ended = asyncio.Event()
        self._second = self._received = 0
        # A name of its own: brokers disconnect whoever has the name of a newcomer.
        client = PatientClient(CallbackAPIVersion.VERSION2, f"emotiond-{secrets.token_hex(6)}")
        client.suppress_exceptions = True
        client.will_set(will.topic, will.content, qos=1, retain=will.is_kept)
        if broker.user is not None:
            client.username_pw_set(broker.user, broker.password)
        if broker.tls is not None:
            client.tls_set_context(broker.tls)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_fault = self._on_fault
        self._client = client

    def start(self) -> None:
        """Begin to connect."""
        self._client.connect_async(self._broker.host, self._broker.port, KEEPALIVE_SECONDS)
        self._client.loop_start()

    def subscribe(self, topics: Iterable[str]) -> None:
        """Ask for messages, on this connection."""
        self._client.subscribe([(topic, 0) for topic in topics])

    def unsubscribe(self, topic: str) -> None:
        """Ask for messages no more."""
        self._client.unsubscribe(topic)

    def tell(self, publication: Publication) -> None:
        """Send at once what is rare and told anew on every connection.

        It is dropped if a broker that does not read has let too much pile up.
        """
        if self.is_connected:
            self._forget_sent()
            if len(self._handed) < MOST_TOLD:
                self._hand(publication)
            else:
                self.dropped += 1

    def let_flow(self, flows: bool) -> None:
        """Let what :meth:`send` takes go to the broker, or stay in the queue."""
        self._flows = flows
        self._hand_over()

    def send(self, publications: Sequence[Publication]) -> None:
        """Queue messages. Without a broker they are dropped, and the oldest if there is no room."""
        if self.trouble is not None:
            self.dropped += len(publications)
            return
        now = self._loop.time()
        self._waiting.extend((now, each) for each in publications)
        self._hand_over()
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self.dropped += 1

    @property
    def unsent(self) -> int:
        """Number of messages that wait here or in the connection."""
        self._hand_over()
        return len(self._waiting) + len(self._handed)

    @property
    def is_behind(self) -> bool:
        """Whether the broker reads too slowly, or not at all."""
        return bool(self._handed) and self._loop.time() - self._handed[0][0] > MOST_WAITING_SECONDS

    def drop_waiting(self) -> None:
        """Drop what waits, and count it."""
        self.dropped += len(self._waiting)
        self._waiting.clear()

    def log(self, line: str) -> None:
        """Log what is to be known about the broker."""
        self._sparing_log.warning(f"MQTT {self._broker.place}: {line}")

    async def close(self, last: Publication | None, timeout_seconds: float) -> None:
        """Send the rest and a last message, and say good-bye to the broker, all in this time."""
        self._is_closing = True
        for timer in (self._later, self._return):
            if timer is not None:
                timer.cancel()
        if self.is_connected:
            waiting = [each for _, each in self._waiting] if self._flows else []
            for publication in (*waiting, *([last] if last else ())):
                self.tell(publication)
        self._waiting.clear()
        was_connected = self.is_connected
        self._client.disconnect()
        if was_connected:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._ended.wait(), timeout_seconds)

    def _hand_over(self) -> None:
        """Give paho a few messages. It sends them, and does not say when it can take more."""
        self._forget_sent()
        now = self._loop.time()
        if self._handed and now - self._handed[0][0] > MOST_UNREAD_SECONDS:
            self._note_trouble("it does not read")
            self._client.cut()
        if not (self._flows and self.is_connected):
            return
        while self._waiting and now - self._waiting[0][0] > self._most_waiting_seconds:
            self._waiting.popleft()
            self.dropped += 1
        while self._waiting and len(self._handed) < _MOST_HANDED:
            self._hand(self._waiting.popleft()[1])
            self.sent += 1
        if (self._waiting or self._handed) and self._later is None and not self._is_closing:
            self._later = self._loop.call_later(_LOOK_SECONDS, self._hand_over_later)

    def _forget_sent(self) -> None:
        while self._handed and (self._handed[0][1].rc or self._handed[0][1].is_published()):
            self._handed.popleft()

    def _hand(self, each: Publication) -> None:
        info = self._client.publish(each.topic, each.content, 0, each.is_kept)
        self._handed.append((self._loop.time(), info))

    def _hand_over_later(self) -> None:
        self._later = None
        self._hand_over()

    def _note_connected(self) -> None:
        self._connected_seconds = self._loop.time()
        if self._brief_ones > 1:  # it may be another one
            self._return = self._loop.call_later(STEADY_SECONDS, self._say_return)
        else:
            self._say_return()
        self.is_connected, self.trouble = True, None
        self._listener.on_connected()

    def _say_return(self) -> None:
        if self._said is not None:
            self.log("it is connected again")
        self._said = None

    def _note_trouble(self, trouble: str) -> None:
        """Note why there is no connection, and log each new reason."""
        if self._is_closing:
            return
        if self._said != trouble:
            self.log(f"{trouble}. It is tried again until it works")
        self._said = trouble
        if self._return is not None:
            self._return.cancel()
        self.is_connected, self.trouble, self._flows = False, trouble, False
        self.drop_waiting()
        self._handed.clear()
        self._listener.on_lost()

    def _note_lost(self) -> None:
        """Note the end of a connection. A broker that has refused has said why, before."""
        self._ended.set()
        if self.is_connected:
            lasted = self._loop.time() - self._connected_seconds >= STEADY_SECONDS
            self._brief_ones = 0 if lasted else self._brief_ones + 1
            several = self._brief_ones > 1
            self._note_trouble("connections to it do not last" if several else _LOST)
        elif self.trouble is None:
            self._note_trouble("it does not answer as an MQTT broker")

    # paho's thread calls what follows.

    def _soon(self, function: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(function, *arguments)

    def _on_connect(self, _c: object, _u: object, _flags: object, code: Any, _p: object) -> None:
        if code.is_failure:
            self._soon(self._note_trouble, f"it refuses ({printable(str(code)).lower()})")
        else:
            self._soon(self._note_connected)

    def _on_connect_fail(self, _client: object, _userdata: object) -> None:
        # paho calls this while it handles the exception, and does not pass it on.
        error = sys.exception() if sys.version_info >= (3, 11) else sys.exc_info()[1]
        self._soon(self._note_trouble, reason_of(error))

    def _on_disconnect(self, *_arguments: object) -> None:
        self._soon(self._note_lost)

    def _on_message(self, _client: object, _userdata: object, message: Any) -> None:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._received = second, 0
        self._received += 1
        topic: str = message.topic
        if self._received > MOST_RECEIVED_PER_SECOND or len(topic) > _LONGEST_TOPIC_CHARACTERS:
            return  # a flood must not hold up the loop
        content = bytes(message.payload[:_MOST_READ_BYTES])
        self._soon(self._listener.on_received, topic, content, bool(message.retain))

    def _on_fault(self, error: Exception) -> None:
        self._soon(self._note_trouble, f"it cannot be used ({cause_of(error)})")
