"""Recorded events are published again with their own timing, and never pass for live ones."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotiond.exceptions import SourceError
from emotiond.streamer.protocol.events import Change, Emotion, Event, Status, StreamStatus, to_json
from emotiond.streamer.sources.source import About, EventSource
from emotiond.streamer.streams.replay import MOST_BETWEEN, Replay
from tests.support.schema import check


def emotion(end: float, seq: int = 7, dropped: int = 0) -> Emotion:
    return Emotion(
        seq, "mic", max(0.0, end - 2), end, 1e9 + end, "silence", None, None, None, None,
        0.0, -50.0, 12.5, dropped, demo=True,
    )  # fmt: skip


def change(at: float) -> Change:
    return Change(9, "mic", at, None, "happy", 1.5)


def status(word: StreamStatus, detail: str = "") -> Status:
    return Status(0, "mic", word, detail, "USB Audio", 8.5, False)


class Played:
    """What a replay publishes, each with the time since the first."""

    def __init__(
        self,
        read: Callable[[], Iterator[Event]],
        speed: float | None = None,
        loop: bool = False,
        most: int = 10_000,
    ) -> None:
        self.events: list[Event] = []
        self.seconds: list[float] = []
        self.enough = threading.Event()
        self._most = most
        about = About("a recording is replayed")
        self.replay = Replay("old", EventSource(read, about, speed, loop), False, 0.25, self._take)

    def _take(self, stream: str, events: Sequence[Event], lossless: bool) -> None:
        assert (stream, lossless) == ("old", False)
        for event in events:
            self.events.append(event)
            self.seconds.append(time.monotonic())
        if len(self.events) >= self._most:
            self.enough.set()

    def to_the_end(self) -> list[Event]:
        self.replay.start()
        assert self.replay.finished.wait(30)
        return self.events

    def until_enough(self) -> list[Event]:
        self.replay.start()
        assert self.enough.wait(30)
        self.replay.stop()
        assert self.replay.finished.wait(30)
        return self.events


def played(events: Iterable[Event]) -> list[Event]:
    listed = [*events]
    return Played(lambda: iter(listed)).to_the_end()


def words(events: Iterable[Event]) -> list[str | float]:
    """The status of each status, the position of each other event."""
    return [
        each.status if isinstance(each, Status) else each.end if isinstance(each, Emotion)
        else -each.at for each in events
    ]  # fmt: skip


def test_what_comes_is_marked_counted_anew_and_otherwise_as_it_was() -> None:
    begin, first, label, end = played([emotion(0.25), change(0.25)])
    assert isinstance(first, Emotion)
    assert to_json(first) == {
        **to_json(emotion(0.25)), "seq": 1, "stream": "old", "age_ms": None, "replay": True
    }  # fmt: skip
    assert to_json(label) == {**to_json(change(0.25)), "seq": 2, "stream": "old", "replay": True}
    for seq, each, word in ((0, begin, "running"), (3, end, "ended")):
        assert to_json(each) == {
            "type": "status", "seq": seq, "stream": "old", "status": word,
            "detail": "a recording is replayed" if word == "running" else "",
            "device": None, "device_latency_ms": None, "demo": False, "replay": True,
        }  # fmt: skip


def test_events_come_at_the_pace_at_which_they_were_recorded() -> None:
    ends = (100.25, 100.5, 102.5)  # a gap, from which nothing is taken
    told = Played(lambda: iter(map(emotion, ends)), speed=10)
    told.to_the_end()
    first, second, third = told.seconds[1:4]
    assert second - first >= 0.0249
    assert third - first >= 0.2249
    assert words(told.events) == ["running", *ends, "ended"]


def test_at_full_speed_nothing_is_waited_for() -> None:
    assert len(played(map(emotion, (0.25, 1e6, 9e8)))) == 5


def test_a_pause_of_years_does_not_keep_it_from_ending() -> None:
    told = Played(lambda: iter(map(emotion, (0.25, 9e8))), speed=0.1, most=2)
    assert words(told.until_enough()) == ["running", 0.25, "ended"]


def test_what_happened_to_the_microphone_comes_when_it_happened() -> None:
    assert words(played([
        status("running"), emotion(0.25), status("muted"), status("running"), emotion(9.25),
        change(9.25), status("ended"),
    ])) == ["running", 0.25, "muted", "running", 9.25, -9.25, "ended"]  # fmt: skip


def test_the_end_of_the_recorded_stream_is_not_the_end_of_a_loop() -> None:
    told = Played(
        lambda: iter([emotion(0.25), emotion(0.5), change(0.5), status("ended")]),
        loop=True, most=8,
    )  # fmt: skip
    assert words(told.until_enough())[:8] == [
        "running", 0.25, 0.5, -0.5, 0.75, 1.0, -1.0, 1.25
    ]  # fmt: skip


def test_a_loop_that_ended_muted_is_running_again() -> None:
    told = Played(lambda: iter([emotion(0.25), status("muted")]), loop=True, most=5)
    assert words(told.until_enough())[:5] == ["running", 0.25, "muted", "running", 0.5]


def test_where_the_recording_goes_back_positions_go_on() -> None:
    assert words(played(map(emotion, (5.0, 5.25, 0.25, 0.5)))) == [
        "running", 5.0, 5.25, 5.5, 5.75, "ended"
    ]  # fmt: skip


def test_the_stride_and_the_losses_are_those_of_the_recording() -> None:
    told = Played(lambda: iter([emotion(0.1), emotion(0.2, dropped=5)]))
    told.to_the_end()
    assert (told.replay.stride_seconds, told.replay.dropped_samples) == (0.1, 5)


def test_events_without_time_between_them_are_no_flood() -> None:
    crowd = [emotion(0.25), *[change(0.25)] * 100, *[status("muted")] * 100]
    assert len(played([*crowd, *[emotion(0.25)] * 100, emotion(0.5)])) == 4 + MOST_BETWEEN


def test_a_recording_without_sound_ends_with_the_reason() -> None:
    told = Played(lambda: iter([status("running"), change(1.0)]), loop=True)
    (end,) = told.to_the_end()
    assert isinstance(end, Status)
    assert "holds no emotion event" in end.detail
    assert told.replay.failure == end.detail


def test_a_file_that_breaks_ends_with_the_reason() -> None:
    def read() -> Iterator[Event]:
        yield emotion(0.25)
        yield emotion(0.5)
        raise SourceError("k.jsonl: it is gone", "Put it back")

    told = Played(read)
    *_, end = told.to_the_end()
    assert isinstance(end, Status)
    assert end.detail == told.replay.failure == "k.jsonl: it is gone. Put it back."


def test_one_that_never_began_stops_at_once() -> None:
    told = Played(lambda: iter([emotion(0.25)]))
    told.replay.stop()
    assert told.events == []


ANY = st.one_of(
    st.floats(0, 1e9).map(emotion),
    st.floats(0, 20).map(lambda end: emotion(round(end, 2))),
    st.floats(0, 1e9).map(change),
    st.sampled_from(["running", "muted", "reconnecting", "ended"]).map(status),
)


@pytest.mark.filterwarnings("error")
@settings(max_examples=60, deadline=None)
@given(st.lists(ANY, max_size=30))
def test_whatever_was_recorded_what_comes_is_in_order_and_whole(events: list[Event]) -> None:
    found = played(events)
    assert [each.seq for each in found] == list(range(len(found)))
    assert all(each.replay for each in found)
    ends = [each.end for each in found if isinstance(each, Emotion)]
    assert all(b - a >= 0.004 for a, b in itertools.pairwise(ends))
    assert [each.status for each in found if isinstance(each, Status)][-1:] == ["ended"]
    for each in found:
        check("daemon", to_json(each))
