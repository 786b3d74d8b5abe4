"""Clients that publish much leave room for the daemon's own events in ZeroMQ's queues."""

from __future__ import annotations

from dataclasses import replace

from emotiond.streamer.hub import Message
from emotiond.streamer.outputs.clients_share import (
    EVENTS_AT_ONCE,
    EVENTS_PER_SECOND,
    ClientsShare,
)
from emotiond.streamer.outputs.zeromq_publishers import Publishers
from emotiond.streamer.outputs.zeromq_socket import HIGH_WATER_MARK
from emotiond.streamer.protocol.events import Status
from tests.support.port import EMOTION, run

OWN, OF_CLIENT = Message(EMOTION, "{}"), Message(EMOTION, "{}", publisher=object())
ENDED = Message(Status(1, "hall", "ended", "", None, None, False), "{}", publisher=object())


def test_a_part_of_a_queue_comes_at_once_then_a_rate() -> None:
    seconds = 0.0
    share = ClientsShare(lambda: seconds)
    assert sum(share.lets_through(OF_CLIENT) for _ in range(2000)) == EVENTS_AT_ONCE
    assert EVENTS_AT_ONCE == HIGH_WATER_MARK // 4
    seconds = 4.0
    assert sum(share.lets_through(OF_CLIENT) for _ in range(2000)) == 4 * EVENTS_PER_SECOND
    assert share.skipped == 4000 - EVENTS_AT_ONCE - 4 * EVENTS_PER_SECOND
    seconds = 1e6
    assert sum(share.lets_through(OF_CLIENT) for _ in range(2000)) == EVENTS_AT_ONCE


def test_the_daemon_s_own_events_and_every_status_come_through() -> None:
    share = ClientsShare(lambda: 0.0)
    while share.lets_through(OF_CLIENT):
        pass
    assert all(share.lets_through(each) for each in (OWN, ENDED, OWN, ENDED))
    assert share.skipped == 1


def test_what_is_skipped_is_counted_in_health() -> None:
    async def test() -> None:
        publishers = Publishers("tcp://127.0.0.1:*", None, lambda: [], False, None, "nobody")
        for number in range(EVENTS_AT_ONCE + 40):
            event = replace(EMOTION, seq=number)
            publishers.send(Message(event, "{}", publisher=publishers))
        assert 30 <= publishers.about().health["zeromq"]["skipped"] <= 40
        await publishers.close(0)

    run(test)
