"""What is packed comes out again as the page reads it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.report.pack import pack
from emotiond.streamer.report.track import COLUMNS, Track, pack_event
from tests.support.report import emotion, spoken


def track_of(events: Sequence[Mapping[str, Any]], **other: Any) -> Track:
    track = Track("mic", "mic.wav", **{"is_session": True, **other})
    for event in events:
        track.add(pack_event(event))
    return track


def unpacked(about: Mapping[str, Any], packed: bytes) -> dict[str, list[int]]:
    """The columns as integers, read as ``page/unpack.js`` reads them."""
    counts = [track["count"] for track in about["tracks"]]
    rest = zlib.decompress(packed)
    columns = {}
    for column in about["columns"]:
        size, total = column["bytes"], sum(counts)
        planes = np.frombuffer(rest[: size * total], np.uint8).reshape(size, total)
        rest = rest[size * total :]
        values = [int.from_bytes(bytes(each), "little", signed=True) for each in planes.T]
        if column["isDelta"]:
            parts = np.split(np.array(values, np.int64), np.cumsum(counts)[:-1])
            values = np.concatenate([np.cumsum(part) for part in parts]).tolist()
        columns[column["name"]] = values
    assert rest == b""
    return columns


def test_columns_of_several_tracks_come_out_again() -> None:
    tracks = [track_of(spoken("happy", None, "angry")), track_of([]), track_of(spoken("calm"))]
    columns = unpacked(*pack(tracks))
    tables = np.concatenate([track.table() for track in tracks])
    assert columns == {c.name: tables[:, i].tolist() for i, c in enumerate(COLUMNS)}


@given(
    ends=st.lists(st.integers(1, 2**31), min_size=1, max_size=20).map(sorted),
    clock=st.floats(-4e9, 4e9),
    dropped=st.integers(0, 2**38),
)
def test_any_time_comes_out_again(ends: list[int], clock: float, dropped: int) -> None:
    times = [end / 10_000 for end in ends]
    events = [
        emotion(0, end=end, start=end - 2, time=end + clock, dropped_samples=dropped)
        for end in times
    ]
    columns = unpacked(*pack([track_of(events)]))
    assert columns["end"] == ends
    assert columns["dropped"] == [dropped] * len(ends)
    assert columns["clock"] == [round((event["time"] - event["end"]) * 1000) for event in events]


def about_of(track: Track) -> Mapping[str, Any]:
    found: Mapping[str, Any] = pack([track])[0]["tracks"][0]
    return found


def test_a_session_begins_with_its_first_stride_and_ends_with_its_last() -> None:
    about = about_of(track_of([emotion(index) for index in range(400, 480)]))
    assert (about["originSeconds"], about["durationSeconds"]) == (100.0, 20.0)
    assert about["strideSeconds"] == 0.25
    assert about["hasClock"]


def test_a_file_begins_at_0_and_lasts_as_long_as_it_does() -> None:
    about = about_of(track_of(spoken("sad", first=400), is_session=False, duration_seconds=150.0))
    assert (about["originSeconds"], about["durationSeconds"]) == (0.0, 150.0)
    assert not about["hasClock"]


def test_sound_that_was_faster_than_the_clock_has_no_times_of_day() -> None:
    assert not about_of(track_of([emotion(i, time=1e9 + i / 1000) for i in range(100)]))["hasClock"]


def test_a_track_without_events_is_one() -> None:
    about = about_of(track_of([], is_session=False, duration_seconds=0.1))
    assert (about["count"], about["durationSeconds"], about["strideSeconds"]) == (0, 0.1, 0.25)
