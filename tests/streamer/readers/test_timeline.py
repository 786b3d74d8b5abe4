"""When sound is heard, by the times of its container."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.readers.timeline import Packet, Timeline, apple_length

RATE = 1000


def packet(seconds: float | None, samples: int, value: float = 1.0) -> Packet:
    return Packet(seconds, RATE, np.full((samples, 2), value, np.float32))


def heard(timeline: Timeline, *packets: Packet) -> list[float]:
    sounds = [sound.samples for sound in timeline.presented(packets)]
    assert all(samples.shape[1] == 2 for samples in sounds)
    return [] if not sounds else np.concatenate(sounds)[:, 0].tolist()


def timeline(
    *,
    is_timed: bool = True,
    origin: float = 0.0,
    container: float | None = None,
    end: float | None = None,
) -> Timeline:
    return Timeline(is_timed, origin, container, end)


def test_sound_that_begins_after_the_picture_has_silence_before_it() -> None:
    assert heard(timeline(origin=10.0), packet(12.5, 3)) == [0.0] * 2500 + [1.0] * 3


def test_a_hole_is_silent_for_as_long_as_it_lasts() -> None:
    found = heard(timeline(), packet(0.0, 500), packet(0.9, 500))
    assert found == [1.0] * 500 + [0.0] * 400 + [1.0] * 500


def test_times_that_are_rounded_or_drift_a_little_make_no_hole() -> None:
    packets = [packet(0.02 * n + 0.0009 * (n % 2), 20) for n in range(50)]
    assert heard(timeline(), *packets) == [1.0] * 1000


def test_packets_that_come_too_early_lose_nothing_and_wait() -> None:
    found = heard(timeline(), packet(0.0, 500), packet(0.2, 500), packet(1.5, 1))
    assert found == [1.0] * 1000 + [0.0] * 500 + [1.0]


def test_times_behind_the_end_of_the_container_are_broken() -> None:
    """A clock that jumps makes no hours of silence."""
    assert len(heard(timeline(container=2.0), packet(0.0, 500), packet(95_443.7, 9))) == 509
    assert len(heard(timeline(container=2.0), packet(None, 500), packet(0.5, 9))) == 509


def test_containers_without_times_of_their_own_are_read_as_they_come() -> None:
    assert len(heard(timeline(is_timed=False), packet(7.0, 5))) == 5


def test_padding_behind_the_end_is_left_out() -> None:
    assert len(heard(timeline(end=0.9), packet(0.0, 500), packet(0.5, 500))) == 900
    assert len(heard(timeline(end=0.9), packet(0.0, 900), packet(0.9, 100))) == 900


def test_an_end_that_is_too_early_is_not_believed() -> None:
    packets = [packet(0.1 * n, 100, value=n) for n in range(10)]
    assert heard(timeline(end=0.25), *packets) == heard(timeline(), *packets)


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(1, 3000)), max_size=20), st.floats(0, 20))
def test_no_sample_is_lost_or_changes_its_place_among_the_others(
    found: list[tuple[float, int]], end: float
) -> None:
    packets = [packet(seconds, samples, value=n + 1) for n, (seconds, samples) in enumerate(found)]
    wanted = [n + 1.0 for n, (_, samples) in enumerate(found) for _ in range(samples)]
    assert [value for value in heard(timeline(), *packets) if value] == wanted
    cut = [value for value in heard(timeline(end=end), *packets) if value]
    assert cut == wanted[: len(cut)]
    assert len(wanted) - len(cut) <= 0.2 * RATE + 1


@pytest.mark.parametrize(
    ("counts", "length"),
    [
        (" 00000000 00000840 000001CA 00000000003F31F6 00000000", 0x3F31F6),
        ("", None),
        ("00000000 00000840 000001CA", None),
        ("00000000 00000840 000001CA 0000000000000000", None),
        ("none of these words counts", None),
    ],
)
def test_the_note_of_apples_encoders(counts: str, length: int | None) -> None:
    assert apple_length(counts) == length
