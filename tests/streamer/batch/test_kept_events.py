"""The events of a result in little space."""

from __future__ import annotations

import json
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.batch.kept_events import MOST_PART_BYTES, KeptEvents, joined
from emotiond.streamer.uploads.archive import PART_EVENTS, EventLog


def log(count: int) -> EventLog:
    events = EventLog()
    for number in range(count):
        events.add(json.dumps({"type": "emotion", "stream": "", "seq": number}))
    return events


@pytest.mark.parametrize("count", [0, 1, PART_EVENTS, 3 * PART_EVENTS + 1])
def test_they_come_back_in_order_as_often_as_wanted(count: int) -> None:
    kept = KeptEvents(joined(log(count)), "talk.wav")
    for _ in range(2):
        found = [*kept]
        assert [event["seq"] for event in found] == [*range(count)]
        assert {event["stream"] for event in found} <= {"talk.wav"}
        assert all([*event] == ["type", "stream", "seq"] for event in found)


def test_ten_hours_take_little_space() -> None:
    assert len(joined(log(144_000))) < 2**20


@given(st.integers(0, 100), st.binary(min_size=1, max_size=5))
def test_damage_is_told(at: int, other: bytes) -> None:
    content = joined(log(20))
    damaged = content[:at] + other + content[at + len(other) :]
    try:
        found = [*KeptEvents(damaged, "x")]
    except ValueError:
        return
    assert [event["seq"] for event in found] == [*range(20)]  # it was not damage, or not felt


@pytest.mark.parametrize("content", [b"{}", b"7", b"[7]", b"[[]]", b"[" * 50_000])
def test_what_is_no_list_of_objects_is_damage(content: bytes) -> None:
    packed = zlib.compress(content)
    with pytest.raises(ValueError, match="damaged"):
        list(KeptEvents(struct.pack("<I", len(packed)) + packed, "x"))


def test_a_part_that_unpacks_to_far_more_than_ours_is_damage() -> None:
    packed = zlib.compress(b"[" + b" " * MOST_PART_BYTES + b"]")
    with pytest.raises(ValueError, match="damaged"):
        list(KeptEvents(struct.pack("<I", len(packed)) + packed, "x"))
