"""Events are packed without losing a digit of what the page shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emotiond.streamer.report.track import COLUMNS, Track, index_of, named_apart, pack_event
from tests.support.report import emotion


def column(events: list[dict[str, Any]], name: str) -> Any:
    track = Track("mic", "mic.wav", is_session=True)
    for event in events:
        track.add(pack_event(event))
    index = index_of(name)
    return track.table()[:, index] / COLUMNS[index].scale


def test_numbers_keep_their_digits() -> None:
    events = [emotion(0, "sad", level_dbfs=-71.21, speech_ratio=0.1234), emotion(1, None)]
    assert column(events, "end").tolist() == [0.25, 0.5]
    assert column(events, "score sad").tolist() == [0.81, 0]
    assert column(events, "raw calm").tolist() == [0.0271, 0]
    assert column(events, "level").tolist() == [-71.21, -23.45]
    assert column(events, "speech").tolist() == [0.1234, 0]
    assert column(events, "label").tolist() == [3, -1]
    assert column(events, "scored").tolist() == [1, 0]
    times = column(events, "clock") + column(events, "end")
    assert np.allclose(times, [event["time"] for event in events], atol=0.0005)


def test_segments_may_come_in_any_order() -> None:
    assert column([emotion(3), emotion(1), emotion(2)], "seq").tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": "bored"},
        {"label": 3},
        {"state": "asleep"},
        {"end": "0.25"},
        {"end": float("nan")},
        {"end": 1e300},
        {"start": None},
        {"seq": 0.5},
        {"scores": {"happy": 1.0}},
        {"scores": []},
        {"level_dbfs": -1e6},
        {"speech_ratio": 1e9},
        {"stream": None},
    ],
)
def test_what_is_no_event_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, OverflowError)):
        pack_event(emotion(0, **wrong))


def test_tracks_that_look_the_same_get_numbers() -> None:
    tracks = [Track(name, name, is_session=False) for name in ("a.wav", "b.wav", "a.wav")]
    named_apart(tracks)
    assert [track.name for track in tracks] == ["a.wav", "b.wav", "a.wav (2)"]
