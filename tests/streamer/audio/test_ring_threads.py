from __future__ import annotations

import threading
from typing import Any

import numpy as np

from emotiond.dsp.types import FloatArray
from emotiond.streamer.audio.ring import Block, Ring

CAPACITY = 16


def numbered(first: int, count: int) -> FloatArray:
    """Samples whose value is their position."""
    return np.arange(first, first + count, dtype=np.float32)[:, None]


def ring(capacity: int = CAPACITY) -> Ring:
    return Ring(capacity, channels=1, sample_rate=1000)


def positions(block: Block | None) -> list[float]:
    assert block is not None
    values: list[float] = block.samples[:, 0].tolist()
    assert values == list(range(block.position, block.position + len(values)))
    return values


class Watched(np.ndarray[Any, Any]):
    """A block that reads from the ring in the middle of being copied into it."""

    buffer: Ring
    seen: list[Block | None]

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice) and key.start is not None:
            self.seen.append(self.buffer.read(4))
        return np.asarray(self)[key]


def test_samples_that_are_being_overwritten_are_not_read() -> None:
    buffer = ring()
    buffer.write(numbered(0, CAPACITY), 0)
    block = numbered(CAPACITY, 8).view(Watched)
    block.buffer, block.seen = buffer, []
    buffer.write(block, 0)
    (seen,) = block.seen
    assert positions(seen) == [8, 9, 10, 11]
    assert buffer.lost_samples == 8


def test_with_two_threads_every_lost_sample_is_counted() -> None:
    buffer, total = ring(1 << 12), 400_000
    woken = threading.Event()
    buffer.on_wake(woken.set)

    def write() -> None:
        position, sizes = 0, np.random.default_rng(1).integers(1, 1500, 10_000).tolist()
        while position < total:
            count = min(sizes.pop(), total - position)
            buffer.write(numbered(position, count), 0)
            position += count
        buffer.end()

    writer = threading.Thread(target=write)
    writer.start()
    read = expected = 0
    while True:
        woken.clear()
        ended = buffer.ended
        block = buffer.read(700)
        if block is not None:
            values = positions(block)
            assert block.after_cut == (block.position != expected)
            read += len(values)
            expected = block.position + len(values)
        elif ended:
            break
        elif buffer.wake_at(buffer.position + 700):
            assert woken.wait(60)
    writer.join()
    assert read + buffer.lost_samples == total


def test_a_writer_that_waits_for_room_loses_nothing() -> None:
    buffer, total, stop = ring(1000), 50_000, threading.Event()
    woken = threading.Event()
    buffer.on_wake(woken.set)

    def write() -> None:
        for first in range(0, total, 250):
            assert buffer.wait_for_room(250, stop)
            buffer.write(numbered(first, 250), 0)
        buffer.end()

    writer = threading.Thread(target=write)
    writer.start()
    received: list[float] = []
    while len(received) < total:
        woken.clear()
        block = buffer.read(400)
        if block is not None:
            received += positions(block)
        elif buffer.wake_at(buffer.position + 400):
            assert woken.wait(60)
    writer.join()
    assert received == list(range(total))
    assert buffer.lost_samples == 0


def test_a_stop_ends_the_wait_for_room() -> None:
    buffer, stop = ring(), threading.Event()
    buffer.write(numbered(0, CAPACITY), 0)
    stop.set()
    assert not buffer.wait_for_room(1, stop)


def test_the_ring_wakes_the_reader_once_at_the_requested_position() -> None:
    buffer, woken = ring(), []
    buffer.on_wake(lambda: woken.append(buffer.available))
    assert buffer.wake_at(8)
    for first in range(0, 15, 3):
        buffer.write(numbered(first, 3), 0)
    assert woken == [9]


def test_the_ring_does_not_wake_the_reader_for_present_samples() -> None:
    buffer, woken = ring(), []
    buffer.on_wake(lambda: woken.append(True))
    buffer.write(numbered(0, 5), 0)
    assert not buffer.wake_at(5)
    buffer.write(numbered(5, 5), 0)
    assert not woken


def test_the_end_wakes_the_reader() -> None:
    buffer, woken = ring(), []
    buffer.on_wake(lambda: woken.append(True))
    assert buffer.wake_at(100)
    buffer.end()
    assert woken == [True]
    assert not buffer.wake_at(100)


def test_a_cut_wakes_the_reader() -> None:
    buffer, woken = ring(), []
    buffer.on_wake(lambda: woken.append(True))
    assert buffer.wake_at(100)
    buffer.cut()
    assert woken == [True]
    assert not buffer.wake_at(100)


def test_a_busy_reader_is_expected_to_await_as_much_again() -> None:
    buffer = ring()
    assert buffer.awaited_samples == 0
    buffer.wake_at(8)
    buffer.write(numbered(0, 3), 0)
    assert buffer.awaited_samples == 5
    buffer.write(numbered(3, 5), 0)
    assert buffer.awaited_samples == 8
    buffer.read(8)
    buffer.wake_at(buffer.position + 6)
    assert buffer.awaited_samples == 6


def test_after_a_cut_the_reader_is_not_expected_to_await_anything() -> None:
    buffer = ring()
    buffer.wake_at(8)
    buffer.write(numbered(0, 3), 0)
    buffer.cut()
    assert buffer.awaited_samples == 0
