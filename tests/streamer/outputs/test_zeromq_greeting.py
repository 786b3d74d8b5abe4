"""What a new ZeroMQ subscriber gets: the last events, and then each one once, without a gap."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import zmq

from emotiond.streamer.hub import Hub, Message
from emotiond.streamer.outputs.zeromq_publisher import ZeroMQPublisher
from emotiond.streamer.protocol.events import Change, Status
from tests.support.port import EMOTION, run

SUBSCRIBERS = 60


class Stream:
    """Publishes an ``emotion`` and sometimes a ``change`` at a time, as a worker does."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._seq = 0
        self._publish(Status(0, "voice", "running", "", None, None, demo=False))

    def _publish(self, *events: object) -> None:
        self._hub.publish([Message.of(event) for event in events], lossless=False)  # type: ignore[arg-type]
        self._seq += len(events)

    def stride(self, with_change: bool) -> None:
        emotion = replace(EMOTION, seq=self._seq)
        change = Change(self._seq + 1, "voice", 0.0, None, "happy", 0.0)
        self._publish(emotion, *([change] if with_change else []))


def test_no_event_is_missed_or_comes_twice_at_the_moment_of_subscribing() -> None:
    async def test() -> None:
        hub = Hub(asyncio.get_running_loop())
        publisher = ZeroMQPublisher("tcp://127.0.0.1:*", hub.last_messages, lossless=False)
        hub.add("ZeroMQ", publisher)
        stream = Stream(hub)
        context = zmq.Context()
        for number in range(SUBSCRIBERS):
            stream.stride(with_change=True)
            await asyncio.sleep(0)
            client = context.socket(zmq.SUB)
            client.connect(publisher.endpoint)
            client.subscribe("")
            seqs: list[int] = []
            while len(seqs) < 12:
                await asyncio.sleep(0.0003 * (number % 5))
                stream.stride(with_change=number % 3 > 0)
                while client.poll(0):
                    seqs.append(json.loads(client.recv_multipart()[1])["seq"])
            client.close(0)
            assert seqs[0] == 0  # the last status
            assert seqs[1:] == list(range(seqs[1], seqs[1] + len(seqs) - 1))
        await publisher.close(0.2)
        context.destroy(linger=0)

    run(test)


def test_the_last_change_comes_to_a_new_subscriber_if_no_emotion_came_after_it() -> None:
    async def test() -> None:
        hub = Hub(asyncio.get_running_loop())
        stream = Stream(hub)
        stream.stride(with_change=True)
        await asyncio.sleep(0)
        assert [message.type for message in hub.last_messages()] == ["status", "emotion", "change"]
        stream.stride(with_change=False)
        await asyncio.sleep(0)
        assert [message.event.seq for message in hub.last_messages()] == [0, 3]
        hub.forget("voice")
        assert hub.last_messages() == []

    run(test)
