"""TextGrids, read by Praat itself."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emotiond.inference.card import LABELS
from tests.support.results import result, writing

parselmouth = pytest.importorskip("parselmouth")
call = pytest.importorskip("parselmouth.praat").call


def grid(folder: Path, *items: dict[str, Any]) -> Any:
    files = [item["file"] for item in items]
    with writing("textgrid", folder, files, overwrite=True) as write:
        for item in items:
            write(item)
    return parselmouth.read(str(folder / "x.TextGrid"))


def intervals(read: Any, tier: int = 1) -> list[tuple[float, float, str]]:
    return [
        (
            call(read, "Get start time of interval", tier, number),
            call(read, "Get end time of interval", tier, number),
            call(read, "Get label of interval", tier, number),
        )
        for number in range(1, int(call(read, "Get number of intervals", tier)) + 1)
    ]


def test_praat_shows_the_segments(tmp_path: Path) -> None:
    read = grid(tmp_path, result([None, "happy", "happy", "?", None, "sad"]))
    assert intervals(read) == [
        (0.0, 0.25, ""),
        (0.25, 0.75, "happy"),
        (0.75, 1.25, ""),
        (1.25, 1.505, "sad"),
    ]
    assert call(read, "Get tier name", 1) == "emotion"


def test_praat_finds_the_label_of_every_moment_and_none_in_a_pause(tmp_path: Path) -> None:
    read = grid(tmp_path, result(["happy", None, None, "sad"], tail=0.0))
    number = int(call(read, "Get interval at time", 1, 0.5))
    assert intervals(read)[number - 1] == (0.25, 0.75, "")


def test_channels_are_tiers(tmp_path: Path) -> None:
    one, two = (result([label], channel=channel) for channel, label in ((1, "sad"), (2, "happy")))
    read = grid(tmp_path, one, two)
    assert [call(read, "Get tier name", tier) for tier in (1, 2)] == [
        "emotion channel 1",
        "emotion channel 2",
    ]
    assert [intervals(read, tier)[0][2] for tier in (1, 2)] == ["sad", "happy"]


def test_segments_of_a_file_have_its_times(tmp_path: Path) -> None:
    item = {**result(["sad"], start=60.0), "start": 60.0, "end": 60.255}
    assert intervals(grid(tmp_path, item)) == [(0.0, 60.0, ""), (60.0, 60.255, "sad")]


def test_a_recording_without_speech_is_one_empty_interval(tmp_path: Path) -> None:
    assert intervals(grid(tmp_path, result([None, None]))) == [(0.0, 0.505, "")]


def test_the_shortest_recording_can_be_opened(tmp_path: Path) -> None:
    assert intervals(grid(tmp_path, result([], tail=0.0001))) == [(0.0, 0.0001, "")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.sampled_from([*LABELS, None, "?"]), max_size=20),
    st.floats(0.01, 10),
    st.floats(0.0001, 0.03),
)
def test_praat_reads_whatever_comes(
    tmp_path: Path, labels: list[str | None], stride: float, tail: float
) -> None:
    whole = result(labels, stride=stride, tail=tail)
    found = intervals(grid(tmp_path, whole))
    assert (found[0][0], found[-1][1]) == (0.0, whole["duration"])
    assert all(one[1] == other[0] for one, other in itertools.pairwise(found))
    assert all(start < end for start, end, _ in found)
    runs = [label for label, _ in itertools.groupby(labels)]
    assert [text for _, _, text in found if text] == [label for label in runs if label in LABELS]
