from __future__ import annotations

from collections.abc import Sequence

import pytest

from emotiond.streamer.sources import pace
from emotiond.streamer.sources.pace import FLOOD_SECONDS, Flood, Pace


class Clock:
    """Stands in for the module ``time``; it moves when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pace, "time", clock)
    return clock


def waits(clock: Clock, held: Pace, *blocks: tuple[float, float]) -> Sequence[float]:
    """Return the wait of each block: seconds since the one before, and its own seconds."""
    found = []
    for since, seconds in blocks:
        clock.now += since
        found.append(round(held.admit(seconds), 3))
    return found


def test_sound_in_real_time_never_waits(clock: Clock) -> None:
    assert waits(clock, Pace(), *[(0.02, 0.02)] * 200) == [0.0] * 200


def test_faster_sound_may_be_half_a_second_early(clock: Clock) -> None:
    assert waits(clock, Pace(), *[(0.0, 0.2)] * 4) == [0.0, 0.0, 0.1, 0.3]


def test_a_pause_earns_no_credit(clock: Clock) -> None:
    held = Pace()
    assert waits(clock, held, (0.0, 0.2), (60.0, 0.2)) == [0.0, 0.0]
    assert waits(clock, held, *[(0.0, 0.2)] * 4) == [0.0, 0.0, 0.1, 0.3]


def test_live_sound_that_was_held_up_comes_at_once(clock: Clock) -> None:
    """Three seconds of it come after three seconds without any; what is beyond them waits."""
    held = Pace(held_up_seconds=5.0)
    assert waits(clock, held, (0.0, 0.2), (3.2, 3.0)) == [0.0, 0.0]
    assert waits(clock, held, *[(0.0, 0.25)] * 5) == [0.0, 0.0, 0.25, 0.5, 0.75]


def test_no_more_is_caught_up_with_than_can_have_been_held_up(clock: Clock) -> None:
    held = Pace(held_up_seconds=5.0)
    assert waits(clock, held, (0.0, 1.0), (60.0, 5.0), (0.0, 1.0)) == [0.5, 0.0, 0.5]


def floods(clock: Clock, flood: Flood, awaited_seconds: float, n_blocks: int = 1_500) -> bool:
    """Return whether blocks of 20 ms flood that were awaited for so long each."""
    for _ in range(n_blocks):
        clock.now += 0.02
        found = flood.is_one(awaited_seconds)
    return found


def test_what_hardly_has_to_be_awaited_floods_until_it_has_to_be_again(clock: Clock) -> None:
    flood = Flood()
    assert not floods(clock, flood, 0.018)  # live: the rest of the time is for playing
    assert not floods(clock, flood, 0.000_1, n_blocks=100)
    assert floods(clock, flood, 0.000_1)
    assert floods(clock, flood, 0.001)  # a busy machine takes its time
    assert not floods(clock, flood, 0.018)


def test_what_was_held_up_and_comes_at_once_is_no_flood(clock: Clock) -> None:
    flood = Flood()
    for _ in range(20):
        clock.now += 4.0
        assert not flood.is_one(4.0)
        assert not any(flood.is_one(0.0) for _ in range(200))
    assert FLOOD_SECONDS > 5.0
