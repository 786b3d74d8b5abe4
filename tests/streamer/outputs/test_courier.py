"""Latest wins: what a slow, failing or stuck delivery costs, and whom."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from emotiond.streamer.hub import Hub, Message
from emotiond.streamer.outputs import courier
from emotiond.streamer.outputs.courier import MOST_TRIES, MOST_WAITING, Courier, Outcome
from emotiond.streamer.protocol.events import Change, Event, Status
from tests.support.port import EMOTION, run, until

CHANGE = Change(
    seq=0, stream="voice", at=1.0, from_label=None, to_label="happy", held_seconds=1.0, demo=False
)
STATUS = Status(0, "voice", "muted", "", None, None, demo=False)


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "PAUSES_SECONDS", (0.0,))


class Door:
    """A delivery that waits to be let through, and then has the outcome that it is told."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.came: list[int] = []
        self.lets_through = threading.Semaphore(0)
        self._outcomes = [*outcomes]

    def deliver(self, message: Message) -> Outcome:
        self.came.append(message.event.seq)
        self.lets_through.acquire()
        return self._outcomes.pop(0) if self._outcomes else Outcome()

    def end(self, _seconds: float) -> None:
        self.lets_through.release(100)


@contextlib.contextmanager
def delivering(door: Door) -> Iterator[Courier]:
    each = Courier("webhook", "the web hook", "web hook", door.deliver, door.end)
    try:
        yield each
    finally:
        with ThreadPoolExecutor() as other:  # a loop runs in this thread
            other.submit(asyncio.run, each.close(0.1)).result()


def send(output: Courier, *events: Event) -> None:
    for event in events:
        output.send(Message.of(event))


def changes(count: int, stream: str = "voice") -> list[Change]:
    return [replace(CHANGE, seq=seq, stream=stream) for seq in range(count)]


def results(output: Courier) -> tuple[int, int, int]:
    """Delivered, failed, dropped."""
    about = output.about().health["webhook"]
    return about["delivered"], about["failed"], output.dropped


def test_only_the_newest_of_those_that_wait_is_delivered_and_the_others_are_counted() -> None:
    async def test() -> None:
        door = Door()
        with delivering(door) as output:
            send(output, CHANGE)
            await until(lambda: door.came == [0])
            send(output, *changes(9)[1:])
            door.lets_through.release(2)
            await until(lambda: results(output) == (2, 0, 7))
            assert door.came == [0, 8]

    run(test)


def test_each_stream_and_type_keeps_its_newest_in_the_order_of_their_coming() -> None:
    async def test() -> None:
        door = Door()
        with delivering(door) as output:
            send(output, CHANGE)
            await until(lambda: door.came == [0])
            send(output, replace(CHANGE, seq=1), replace(STATUS, seq=2))
            send(output, replace(CHANGE, seq=3, stream="radio"), replace(CHANGE, seq=4))
            door.lets_through.release(9)
            await until(lambda: results(output) == (4, 0, 1))
            assert door.came == [0, 2, 3, 4]

    run(test)


def test_streams_without_end_take_no_memory_without_end() -> None:
    async def test() -> None:
        door = Door()
        with delivering(door) as output:
            send(output, CHANGE)
            await until(lambda: door.came == [0])
            for number in range(1000):
                send(output, replace(CHANGE, stream=f"client-{number}"))
            assert output.dropped == 1000 - MOST_WAITING
            door.lets_through.release(1000)
            await until(lambda: results(output)[0] == MOST_WAITING + 1)

    run(test)


def test_what_clients_publish_neither_displaces_nor_delays_the_daemon_s_own_events() -> None:
    async def test() -> None:
        door = Door()
        with delivering(door) as output:
            send(output, CHANGE)
            await until(lambda: door.came == [0])
            send(output, replace(CHANGE, seq=1, stream="den"))
            for number in range(2 * MOST_WAITING):
                event = replace(CHANGE, seq=2, stream=f"client-{number}")
                output.send(replace(Message.of(event), publisher=object()))
            send(output, replace(STATUS, seq=3))
            door.lets_through.release(1000)
            await until(lambda: results(output)[0] == MOST_WAITING + 1)
            assert door.came[:3] == [0, 1, 3]

    run(test)


def test_an_own_event_has_all_its_tries_though_a_client_s_has_used_some() -> None:
    async def test() -> None:
        door = Door(*[Outcome("HTTP status 503", again=True)] * (MOST_TRIES + 1))
        with delivering(door) as output:
            output.send(replace(Message.of(replace(CHANGE, stream="client")), publisher=object()))
            await until(lambda: door.came == [0])
            send(output, replace(CHANGE, seq=1))
            door.lets_through.release(1000)
            await until(lambda: results(output) == (1, 1, 0))
            assert door.came == [0, *[1] * MOST_TRIES, 0]

    run(test)


def test_emotions_are_not_delivered() -> None:
    door = Door()
    with delivering(door) as output:
        send(output, EMOTION)
        asyncio.run(output.drained(wholly=True))
    assert door.came == []


def test_what_may_be_tried_again_is_and_counts_once() -> None:
    async def test() -> None:
        door = Door(Outcome("no", again=True), Outcome("no", again=True))
        door.lets_through.release(9)
        with delivering(door) as output:
            send(output, CHANGE)
            await until(lambda: results(output) == (1, 0, 0))
            assert door.came == [0, 0, 0]
            assert output.about().disconnected is None

    run(test)


def test_it_gives_up_after_some_tries_and_says_why_until_one_succeeds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test() -> None:
        door = Door(*[Outcome("HTTP status 500", again=True)] * MOST_TRIES)
        door.lets_through.release(MOST_TRIES)
        with delivering(door) as output:
            send(output, CHANGE)
            await until(lambda: results(output) == (0, 1, 0))
            assert door.came == [0] * MOST_TRIES
            about = output.about()
            assert about.disconnected == "the web hook fails: HTTP status 500"
            assert about.health["webhook"]["state"] == "failing"
            assert output.failure is None  # the daemon has not failed
            door.lets_through.release()
            send(output, replace(CHANGE, seq=1))
            await until(lambda: results(output) == (1, 1, 0))
            assert output.about().disconnected is None
            assert output.about().health["webhook"]["state"] == "ok"

    run(test)
    assert [line for line in caplog.messages if "web hook" in line] == [
        "the web hook fails: HTTP status 500",
        "the web hook works again",
    ]


def test_a_newer_event_takes_the_place_of_one_that_is_tried_again() -> None:
    async def test() -> None:
        door = Door(Outcome("no", again=True))
        with delivering(door) as output:
            send(output, CHANGE)
            await until(lambda: door.came == [0])
            send(output, replace(CHANGE, seq=1))
            door.lets_through.release(2)
            await until(lambda: results(output) == (1, 0, 1))
            assert door.came == [0, 1]

    run(test)


@pytest.mark.parametrize(
    ("asked_seconds", "paused_seconds"), [(0.0, 1.0), (30.0, 30.0), (1e9, 60.0)]
)
def test_pauses_grow_and_what_the_other_side_asks_for_is_heeded_up_to_a_bound(
    monkeypatch: pytest.MonkeyPatch, asked_seconds: float, paused_seconds: float
) -> None:
    monkeypatch.setattr(courier, "PAUSES_SECONDS", (1.0, 2.0))
    paused: list[float] = []
    monkeypatch.setattr(Courier, "_pause", lambda _self, seconds: paused.append(seconds))

    async def test() -> None:
        door = Door(*[Outcome("no", again=True, pause_seconds=asked_seconds)] * 3)
        door.lets_through.release(9)
        with delivering(door) as output:
            send(output, CHANGE)
            await until(lambda: results(output) == (1, 0, 0))

    run(test)
    assert paused == [max(pause, paused_seconds) for pause in (1.0, 2.0, 2.0)]


def test_a_fault_in_a_delivery_costs_one_event() -> None:
    def deliver(message: Message) -> Outcome:
        if message.event.seq == 0:
            raise RuntimeError
        return Outcome()

    async def test() -> None:
        output = Courier("webhook", "the web hook", "web hook", deliver, lambda _: None)
        send(output, CHANGE)
        await until(lambda: results(output) == (0, 1, 0))
        send(output, replace(CHANGE, seq=1))
        await until(lambda: results(output) == (1, 1, 0))
        await output.close(0.1)

    run(test)


def test_a_lossless_stream_waits_for_each_event_but_not_for_what_fails() -> None:
    async def test() -> None:
        door = Door(Outcome(), Outcome(), Outcome("no"))
        with delivering(door) as output:
            send(output, CHANGE)
            await until(lambda: door.came == [0])
            send(output, replace(CHANGE, seq=1))
            draining = asyncio.ensure_future(output.drained())
            assert not (await asyncio.wait([draining], timeout=0.05))[0]
            door.lets_through.release()
            await draining  # the second one is on its way
            door.lets_through.release()
            await output.drained(wholly=True)
            assert results(output) == (2, 0, 0)
            send(output, replace(CHANGE, seq=2))
            door.lets_through.release()
            await until(lambda: results(output) == (2, 1, 0))
            send(output, replace(CHANGE, seq=3))
            await output.drained(wholly=True)
            assert results(output) == (2, 1, 0)

    run(test)


def test_a_stuck_delivery_delays_no_other_output() -> None:
    async def test() -> None:
        door, hub, got = Door(), Hub(asyncio.get_running_loop()), Listener()
        with delivering(door) as output:
            hub.add("stuck", output)
            hub.add("listener", got)
            first, *others = changes(1000)
            hub.publish([Message.of(first)], lossless=False)
            await until(lambda: door.came == [0])
            for event in others:
                hub.publish([Message.of(event)], lossless=False)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                assert got.seqs[-1:] == [event.seq]  # at once, though the first is stuck
            assert door.came == [0]

    run(test)


class Listener:
    """A receiver that notes what it gets."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.send: Callable[[Message], None] = lambda message: self.seqs.append(message.event.seq)

    async def drained(self, wholly: bool = False) -> None: ...


def test_the_end_delivers_what_waits_and_ends_what_is_stuck() -> None:
    async def test() -> None:
        door = Door()
        door.lets_through.release(2)
        with delivering(door) as output:
            send(output, CHANGE, replace(STATUS, seq=1))
            await output.close(5.0)
            assert results(output) == (2, 0, 0)
        stuck = Door()
        with delivering(stuck) as output:
            send(output, CHANGE)
            await until(lambda: stuck.came == [0])
            await output.close(0.1)
            assert results(output) == (0, 0, 0)  # ended halfway: neither

    run(test)
