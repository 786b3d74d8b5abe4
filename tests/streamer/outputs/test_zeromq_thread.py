"""The endpoint in a thread of its own: whatever keeps libzmq busy, the event loop does not wait."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable
from dataclasses import replace

import pytest
import zmq

from emotiond.exceptions import ServeError
from emotiond.streamer.hub import Message
from emotiond.streamer.outputs import zeromq_thread
from emotiond.streamer.outputs.zeromq_publisher import ZeroMQPublisher
from emotiond.streamer.outputs.zeromq_thread import PublisherThread
from emotiond.streamer.protocol.events import Status
from tests.support.port import EMOTION, run, until


def message(seq: int) -> Message:
    return Message.of(replace(EMOTION, seq=seq))


def publisher(last_messages: Iterable[Message] = ()) -> PublisherThread:
    make = functools.partial(ZeroMQPublisher, "tcp://127.0.0.1:*", lossless=False)
    return PublisherThread(make, lambda: last_messages)


FIRST = message(0)


class Busy(ZeroMQPublisher):
    """One that sends nothing for as long as its subscribers keep libzmq busy."""

    is_left_alone = threading.Event()

    def send(self, message: Message) -> None:
        self.is_left_alone.wait(60)
        super().send(message)


@pytest.fixture
def busy() -> Iterable[PublisherThread]:
    Busy.is_left_alone.clear()
    make = functools.partial(Busy, "tcp://127.0.0.1:*", lossless=False)
    yield PublisherThread(make, lambda: [FIRST])
    Busy.is_left_alone.set()


def test_while_libzmq_is_busy_events_are_bounded_and_the_loop_goes_on(
    busy: PublisherThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zeromq_thread, "_PATIENCE_SECONDS", 0.0)

    async def test() -> None:
        assert busy.trouble is None
        for seq in range(zeromq_thread.MOST_WAITING + 500):
            busy.send(message(seq))
        assert busy.dropped >= 400  # the thread may have taken some before
        assert busy.trouble is not None
        await busy.drained()
        busy.close(0.1)  # it ends all the same

    run(test)


def test_events_wait_for_libzmq_in_their_order(busy: PublisherThread) -> None:
    async def test() -> None:
        with zmq.Context() as context, context.socket(zmq.SUB) as subscriber:
            subscriber.subscribe("")
            subscriber.connect(busy.endpoint)
            Busy.is_left_alone.set()
            busy.send(FIRST)
            received = []
            for seq in range(50):
                await until(lambda: bool(subscriber.poll(0)))
                received.append(subscriber.recv_multipart()[1])
                if seq == 0:  # it has subscribed
                    Busy.is_left_alone.clear()
                    for later in range(1, 50):
                        busy.send(message(later))
                    Busy.is_left_alone.set()
            assert received == [message(seq).content for seq in range(50)]
        busy.close(0.1)

    run(test)


def test_a_newcomer_gets_the_last_events_once_and_none_that_is_still_to_come() -> None:
    last, coming = message(1), message(2)

    async def test() -> None:
        endpoint = publisher([last, coming])
        endpoint.send(last)
        await endpoint.drained()
        with zmq.Context() as context, context.socket(zmq.SUB) as subscriber:
            subscriber.subscribe("")
            subscriber.connect(endpoint.endpoint)
            await until(lambda: bool(subscriber.poll(0)))
            endpoint.send(coming)
            received = [subscriber.recv_multipart()[1]]
            await until(lambda: bool(subscriber.poll(0)))
            received.append(subscriber.recv_multipart()[1])
            assert received == [last.content, coming.content]
            assert not subscriber.poll(100)
        endpoint.close(0.1)

    run(test)


def test_a_client_s_stream_that_has_ended_leaves_nothing() -> None:
    async def test() -> None:
        endpoint = publisher()
        ended = Status(3, "voice", "ended", "", None, None, demo=False, replay=False)
        endpoint.send(Message.of(EMOTION, publisher=object()))
        endpoint.send(Message.of(ended, publisher=object()))
        assert endpoint._given == {}
        endpoint.close(0.1)

    run(test)


def test_an_endpoint_that_cannot_be_opened_is_told_to_who_opens_it() -> None:
    with pytest.raises(ServeError, match="cannot open tcp://nonsense:1"):
        PublisherThread(
            functools.partial(ZeroMQPublisher, "tcp://nonsense:1", lossless=False), lambda: ()
        )
