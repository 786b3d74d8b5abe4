from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotiond.dsp.types import FloatArray
from emotiond.streamer.audio.ring import Block, Ring

CAPACITY = 16


def numbered(first: int, count: int, channels: int = 1) -> FloatArray:
    """Samples whose value is their position."""
    column = np.arange(first, first + count, dtype=np.float32)[:, None]
    return np.repeat(column, channels, axis=1)


def ring(capacity: int = CAPACITY) -> Ring:
    return Ring(capacity, channels=1, sample_rate=1000)


def positions(block: Block | None) -> list[float]:
    assert block is not None
    values: list[float] = block.samples[:, 0].tolist()
    assert values == list(range(block.position, block.position + len(values)))
    return values


def test_samples_are_read_as_written() -> None:
    buffer = Ring(CAPACITY, channels=2, sample_rate=1000)
    buffer.write(numbered(0, 10, 2) * [1, -1], 0)
    first, second = buffer.read(4), buffer.read(6)
    assert first is not None
    assert second is not None
    assert first.samples.tolist() == [[k, -k] for k in range(4)]
    assert (second.position, second.after_cut) == (4, False)
    assert buffer.lost_samples == 0


def test_an_incomplete_block_is_not_read() -> None:
    buffer = ring()
    assert buffer.read(1) is None
    buffer.write(numbered(0, 3), 0)
    assert buffer.read(4) is None
    assert buffer.available == 3
    assert positions(buffer.read(3)) == [0, 1, 2]


def test_the_oldest_samples_are_overwritten_and_counted() -> None:
    buffer = ring()
    for first in range(0, 20, 5):
        buffer.write(numbered(first, 5), 0)
    block = buffer.read(6)
    assert positions(block) == [4, 5, 6, 7, 8, 9]
    assert block is not None
    assert block.after_cut
    assert buffer.lost_samples == 4


def test_a_block_as_large_as_the_ring_fits_and_a_larger_one_is_refused() -> None:
    buffer = ring()
    buffer.write(numbered(0, CAPACITY), 0)
    assert len(positions(buffer.read(CAPACITY))) == CAPACITY
    with pytest.raises(ValueError, match="larger than the ring"):
        buffer.write(numbered(0, CAPACITY + 1), 0)


def test_a_cut_ends_a_block_and_marks_the_next() -> None:
    buffer = ring()
    buffer.write(numbered(0, 5), 0)
    buffer.cut()
    buffer.write(numbered(5, 5), 0)
    before, after = buffer.read(8), buffer.read(5)
    assert positions(before) == [0, 1, 2, 3, 4]
    assert positions(after) == [5, 6, 7, 8, 9]
    assert before is not None
    assert after is not None
    assert (before.after_cut, after.after_cut) == (False, True)
    assert buffer.lost_samples == 0


def test_skipped_samples_are_lost_and_keep_their_positions() -> None:
    buffer = ring()
    buffer.write(numbered(0, 3), 0)
    buffer.skip(10)
    buffer.write(numbered(13, 3), 0)
    assert positions(buffer.read(5)) == [0, 1, 2]
    assert positions(buffer.read(3)) == [13, 14, 15]
    assert buffer.lost_samples == 10


def test_a_gap_longer_than_the_ring_loses_the_unread_samples() -> None:
    buffer = ring()
    buffer.write(numbered(0, 3), 0)
    buffer.skip(1000)
    buffer.write(numbered(1003, 3), 0)
    assert positions(buffer.read(3)) == [1003, 1004, 1005]
    assert buffer.lost_samples == 1003


def test_a_cut_is_reported_once_with_or_without_samples_after_it() -> None:
    buffer = ring()
    buffer.write(numbered(0, 2), 0)
    buffer.cut()
    assert positions(buffer.read(3)) == [0, 1]
    block = buffer.read(3)
    assert block is not None
    assert (block.samples.shape, block.position, block.after_cut) == ((0, 1), 2, True)
    assert buffer.read(3) is None
    buffer.write(numbered(2, 3), 0)
    block = buffer.read(3)
    assert positions(block) == [2, 3, 4]
    assert block is not None
    assert not block.after_cut


def test_muted_samples_are_a_gap_and_not_a_loss() -> None:
    buffer = ring()
    buffer.write(numbered(0, 2), 0)
    buffer.skip(10, lost=False)
    buffer.write(numbered(12, 2), 0)
    assert positions(buffer.read(5)) == [0, 1]
    assert positions(buffer.read(2)) == [12, 13]
    assert buffer.lost_samples == 0


def test_a_muted_gap_longer_than_the_ring_is_no_loss_either() -> None:
    buffer = ring()
    buffer.write(numbered(0, 2), 0)
    assert positions(buffer.read(2)) == [0, 1]
    buffer.skip(1000, lost=False)
    buffer.write(numbered(1002, 3), 0)
    assert positions(buffer.read(3)) == [1002, 1003, 1004]
    assert buffer.lost_samples == 0


def test_the_reader_does_not_count_what_was_muted_among_what_it_drops() -> None:
    buffer = ring()
    buffer.write(numbered(0, 2), 0)
    buffer.skip(3, lost=False)
    buffer.write(numbered(5, 3), 0)
    buffer.drop_oldest(kept=2)
    assert positions(buffer.read(2)) == [6, 7]
    assert buffer.lost_samples == 3


def test_the_reader_can_drop_the_oldest_unread_samples() -> None:
    buffer = ring()
    buffer.write(numbered(0, 4), 0)
    buffer.skip(3)
    buffer.write(numbered(7, 5), 0)
    buffer.drop_oldest(kept=3)
    block = buffer.read(3)
    assert positions(block) == [9, 10, 11]
    assert block is not None
    assert block.after_cut
    assert buffer.lost_samples == 9
    buffer.drop_oldest(kept=3)
    assert buffer.lost_samples == 9


def test_after_the_end_the_rest_is_read_and_then_nothing() -> None:
    buffer = ring()
    buffer.write(numbered(0, 3), 0)
    buffer.end()
    assert buffer.ended
    assert positions(buffer.read(10)) == [0, 1, 2]
    assert buffer.read(10) is None


def test_a_read_block_is_a_copy() -> None:
    buffer = ring()
    buffer.write(numbered(0, CAPACITY), 0)
    block = buffer.read(CAPACITY)
    buffer.write(numbered(99, CAPACITY), 0)
    assert positions(block) == list(range(CAPACITY))


operations = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, CAPACITY)),
        st.tuples(st.just("read"), st.integers(1, 2 * CAPACITY)),
        st.tuples(st.just("skip"), st.integers(0, 3 * CAPACITY)),
        st.tuples(st.just("cut"), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=300)
@given(operations)
def test_every_sample_is_read_once_in_order_or_counted_lost(steps: list[tuple[str, int]]) -> None:
    buffer = ring()
    captured: list[int] = []  # all written samples, by position
    joints: set[int] = set()  # positions at which a block must be marked as after a cut
    written = expected = lost = 0

    def take(block: Block | None) -> None:
        nonlocal expected, lost
        if block is None:
            return
        values = positions(block)
        assert values or block.after_cut
        assert set(values) <= set(captured)
        assert not any(block.position < joint < block.position + len(values) for joint in joints)
        lost += block.position - expected
        followed_on = block.position == expected and block.position not in joints
        assert block.after_cut == (not followed_on)
        expected = block.position + len(values)
        joints.discard(block.position)  # reported once, even without samples

    for step, count in steps:
        if step == "write":
            buffer.write(numbered(written, count), 0)
            captured += range(written, written + count)
            written += count
        elif step == "read":
            take(buffer.read(count))
        else:
            buffer.skip(count) if step == "skip" else buffer.cut()
            written += count
            joints.add(written)
    buffer.end()
    while (block := buffer.read(CAPACITY)) is not None:
        take(block)
    assert expected + (buffer.lost_samples - lost) == written
    assert lost <= buffer.lost_samples


def test_the_capture_time_is_the_block_s_minus_later_samples() -> None:
    buffer = ring()
    buffer.write(numbered(0, 10), 5.0)
    buffer.write(numbered(10, 10), 5.3)
    assert buffer.capture_time(20) == pytest.approx(5.3)
    assert buffer.capture_time(11) == pytest.approx(5.291)
    assert buffer.capture_time(10) == pytest.approx(5.0)
    assert buffer.capture_time(0) == pytest.approx(4.99)


def test_uncaptured_and_long_past_samples_have_no_capture_time() -> None:
    buffer = ring()
    assert buffer.capture_time(0) is None
    for first in range(5000):
        buffer.write(numbered(first, 1), first)
    assert buffer.capture_time(5001) is None
    assert buffer.capture_time(1) is None
    assert buffer.capture_time(4000) == 3999
