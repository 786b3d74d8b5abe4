"""The connection to an MQTT broker: it comes and goes, and nobody waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from emotiond.exceptions import cause_of, printable
from emotiond.streamer.outputs.mqtt_broker import Broker
from emotiond.streamer.outputs.mqtt_client import STEADY_SECONDS, PatientClient, reason_of
from emotiond.streamer.outputs.mqtt_outbox import MOST_WAITING, MOST_WAITING_SECONDS, Outbox
from emotiond.streamer.outputs.mqtt_topics import Publication
from emotiond.streamer.outputs.output import wait_while
from emotiond.streamer.sparing_log import SparingLog

_log = logging.getLogger(__name__)

MOST_TOLD = 2 * MOST_WAITING  # messages on their way at most
KEEPALIVE_SECONDS = 10
"""A broker that has not answered for twice as long is gone."""
MOST_UNREAD_SECONDS = 2.0 * KEEPALIVE_SECONDS
"""So long a message may be on its way to a broker that gives other signs of life."""

_LOOK_SECONDS = 0.25  # for what has no event of its own: messages that wait, or are on their way
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
        self.sent = 0
        """Number of messages given to the connection."""
        self.is_connected = False
        self.trouble: str | None = None
        """Why there is no connection; None while there is one, or the first is being made."""
        self._broker = broker
        self._listener = listener
        self._outbox = Outbox(most_waiting_seconds)
        self._loop = asyncio.get_running_loop()
        self._sparing_log = SparingLog(_log)
        self._said: str | None = None  # the trouble that the log has, and whose end it has not
        self._connected_seconds = 0.0
        self._brief_ones = 0  # connections in a row that did not last
        self._return: asyncio.TimerHandle | None = None
        self._flows = self._is_closing = False
        self._later: asyncio.TimerHandle | None = None
        self._has_ended = False  # the present connection, or the last one
        self._second = self._received = 0
        # A name of its own: brokers disconnect whoever has the name of a newcomer.
        client = PatientClient(f"emotiond-{secrets.token_hex(6)}")
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
        client.on_answer = self._on_answer
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
            if self._outbox.on_way < MOST_TOLD:
                self._hand(publication)
            else:
                self._outbox.dropped += 1
            self._ask()

    def let_flow(self, flows: bool) -> None:
        """Let what :meth:`send` takes go to the broker, or stay in the queue."""
        self._flows = flows
        self._hand_over()

    def send(self, publications: Sequence[Publication]) -> None:
        """Queue messages. Without a broker they are dropped, and the oldest if there is no room."""
        if self.trouble is not None:
            self._outbox.dropped += len(publications)
            return
        self._outbox.put(publications, self._loop.time())
        self._hand_over()

    @property
    def dropped(self) -> int:
        """Number of messages that found no room or no broker, or waited too long."""
        return self._outbox.dropped

    @property
    def unread(self) -> int:
        """Number of messages that wait, or that the broker is not known to have read."""
        return self._outbox.waiting + self._outbox.on_way

    @property
    def is_behind(self) -> bool:
        """Whether the broker reads too slowly, or not at all."""
        return self._outbox.is_behind(self._loop.time())

    def drop_waiting(self) -> None:
        """Drop what waits, and count it."""
        self._outbox.drop_waiting()

    def log(self, line: str) -> None:
        """Log what is to be known about the broker."""
        self._sparing_log.warning(f"MQTT {self._broker.place}: {line}")

    async def close(self, last: Publication | None, timeout_seconds: float) -> None:
        """Send the rest and a last message, and say good-bye to the broker, all in this time.

        The good-bye is said when the broker has read all before it: what it answers to a connection
        that is closed would cost it what it has not read.
        """
        self._is_closing = True
        for timer in (self._later, self._return):
            if timer is not None:
                timer.cancel()
        deadline = self._loop.time() + timeout_seconds
        waiting = self._outbox.take_all()
        if self.is_connected:
            for publication in (*(waiting if self._flows else ()), *([last] if last else ())):
                self.tell(publication)
            await wait_while(lambda: self._outbox.on_way > 0 and self._lasts_until(deadline))
        self._client.disconnect()
        if self.is_connected:
            await wait_while(lambda: self._lasts_until(deadline))

    def _lasts_until(self, deadline: float) -> bool:
        return not self._has_ended and self._loop.time() < deadline

    def _hand_over(self) -> None:
        """Send what is due. The broker's answers tell how much that is."""
        now = self._loop.time()
        if self._outbox.unread_seconds(now) > MOST_UNREAD_SECONDS:
            self._note_trouble("it does not read")
            self._client.cut()
        if self._flows and self.is_connected:
            while (publication := self._outbox.take(now)) is not None:
                self.sent += self._hand(publication)
            self._ask()
        if self.is_connected and self.unread and self._later is None and not self._is_closing:
            self._later = self._loop.call_later(_LOOK_SECONDS, self._hand_over_later)

    def _hand(self, each: Publication) -> bool:
        """Give a message to the connection, and return whether that has not ended just now."""
        is_taken = not self._client.publish(each.topic, each.content, 0, each.is_kept).rc
        if is_taken:
            self._outbox.note_sent(self._loop.time())
        else:
            self._outbox.dropped += 1
        return is_taken

    def _ask(self) -> None:
        now = self._loop.time()
        if self._outbox.wants_ping(now) or (self._is_closing and self._outbox.can_ask):
            self._outbox.note_ping(self._client.ask(), now)

    def _note_answer(self, number: int) -> None:
        self._outbox.note_answer(number, self._loop.time())
        self._hand_over()

    def _note_received(self, topic: str, content: bytes, is_kept: bool) -> None:
        if not self._is_closing:  # it may be the good-bye of this daemon itself
            self._listener.on_received(topic, content, is_kept)

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
        self._has_ended = False
        self._outbox.begin()
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
        self._outbox.begin()
        self._listener.on_lost()

    def _note_lost(self) -> None:
        """Note the end of a connection. A broker that has refused has said why, before."""
        self._has_ended = True
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
        self._soon(self._note_received, topic, content, bool(message.retain))

    def _on_answer(self, number: int) -> None:
        self._soon(self._note_answer, number)

    def _on_fault(self, error: Exception) -> None:
        self._soon(self._note_trouble, f"it cannot be used ({cause_of(error)})")
