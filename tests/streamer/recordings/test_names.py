"""The names of a recording's files sort by time, and tell what belongs together."""

from __future__ import annotations

import itertools
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.recordings import names

SECONDS = st.integers(0, 4_102_444_800)  # to the year 2100


def first(path: str, seconds: float) -> Path:
    return next(names.stamped(Path(path), seconds))


def test_without_rotation_files_are_numbered() -> None:
    found = itertools.islice(names.numbered(Path("a/b.c.wav")), 3)
    assert [str(path) for path in found] == ["a/b.c.wav", "a/b.c-2.wav", "a/b.c-3.wav"]


def test_with_rotation_the_name_is_the_time_at_which_the_file_begins() -> None:
    assert str(first("a/k.wav", 1_795_996_800.9)) == "a/k-20261130T000000Z.wav"
    assert [path.stem for path in itertools.islice(names.stamped(Path("k.wav"), 0), 2)] == [
        "k-19700101T000000Z",
        "k-19700101T000001Z",
    ]


@given(SECONDS, SECONDS)
def test_names_sort_as_their_times_do(one: int, other: int) -> None:
    a, b = str(first("k.wav", one)), str(first("k.wav", other))
    assert (a < b) == (one < other)


@given(st.text(min_size=1, max_size=20), SECONDS)
def test_a_part_is_known_as_one_of_its_recording(stem: str, seconds: int) -> None:
    if "/" in stem or "\0" in stem or stem.startswith(".") or stem.endswith("."):
        return
    part = first(f"{stem}.wav", seconds).stem
    assert names.is_stamped(part, stem)
    assert not names.is_stamped(part, stem + "x")
    assert names.recording_of(part) == stem
    assert not names.is_stamped(stem, stem)


def test_all_files_of_a_part_have_one_stem() -> None:
    for each in ("k.b.wav", "k.b.sqlite", "k.b.jsonl"):
        assert names.beside(Path("f") / each, names.JSON_LINES) == Path("f/k.b.jsonl")
