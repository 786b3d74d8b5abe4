"""Where the file of each recording goes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.results.places import places

names = st.lists(
    st.text(st.sampled_from("aAb.= \nvt"), min_size=1, max_size=4).filter(
        lambda name: name not in (".", "..")
    ),
    min_size=1,
    max_size=3,
).map("/".join)

long_names = st.builds(
    lambda head, end: head + "\u97f3" * 82 + end, st.sampled_from("aAb"), st.sampled_from("aAb")
)


def placed(*files: str, folders: tuple[str, ...] = ()) -> list[str]:
    found = places(files, folders, ".TextGrid")
    return [str(found[file]) for file in files]


def test_the_suffix_takes_the_place_of_the_recording_s() -> None:
    assert placed("talk.wav") == ["talk.TextGrid"]


def test_files_keep_their_places_below_the_folder_that_was_given() -> None:
    files = ("study/anna/day 1/a.wav", "study/anna/day 2/a.wav")
    assert placed(*files, folders=("study",)) == [
        "anna/day 1/a.TextGrid",
        "anna/day 2/a.TextGrid",
    ]


def test_files_alone_keep_theirs_below_the_folder_that_they_share() -> None:
    assert placed("study/anna/a.wav", "study/ben/a.wav") == ["anna/a.TextGrid", "ben/a.TextGrid"]
    assert placed("/a/b/c.wav", "/a/b/d/c.wav") == ["c.TextGrid", "d/c.TextGrid"]


def test_recordings_that_differ_in_their_suffix_keep_it() -> None:
    assert placed("a.wav", "a.mp3", "b.wav") == ["a.wav.TextGrid", "a.mp3.TextGrid", "b.TextGrid"]
    assert placed("a.wav", "a.mp3", "a.wav.ogg") == [
        "a.wav.TextGrid",
        "a.mp3.TextGrid",
        "a.wav.ogg.TextGrid",
    ]


def test_recordings_that_differ_in_capitals_get_numbers() -> None:
    assert placed("A.wav", "a.wav") == ["A.wav.TextGrid", "a.wav (2).TextGrid"]


@pytest.mark.parametrize("file", ["../x/a.wav", "x/../a.wav", "/x/a.wav", "./a.wav"])
def test_no_file_leaves_the_folder(file: str) -> None:
    assert placed(file) == ["a.TextGrid"]


def test_what_has_no_place_of_its_own_goes_to_the_top() -> None:
    assert placed("-", "/dev/fd/63", "x/a.wav") == ["stdin.TextGrid", "63.TextGrid", "a.TextGrid"]


def test_two_spellings_of_a_recording_share_a_file() -> None:
    assert placed("a.wav", "./a.wav") == ["a.TextGrid", "a.TextGrid"]


def test_a_file_leaves_the_name_of_a_folder_to_it() -> None:
    files = ("s/x.wav", "s/x.eaf/y.wav", "s/X.EAF.wav", "s/X.wav.EAF/z/y.wav")
    found = places(files, ("s",), ".eaf")
    assert [str(found[file]) for file in files] == [
        "x.wav (2).eaf",
        "x.eaf/y.eaf",
        "X.EAF.eaf",
        "X.wav.EAF/z/y.eaf",
    ]


@pytest.mark.parametrize("character", ["a", "\xe4", "\u97f3", "\U0001f600", "\udcff"])
def test_a_name_that_is_too_long_loses_its_end(character: str) -> None:
    bytes_each = len(os.fsencode(character))
    long = character * (251 // bytes_each)
    kept = character * ((255 - len(".TextGrid")) // bytes_each)
    assert placed(f"{long}.wav") == [f"{kept}.TextGrid"]
    shorter = character * ((255 - len(" (2).TextGrid")) // bytes_each)
    assert placed(f"{long}.wav", f"{long}.mp3") == [
        f"{kept}.TextGrid",
        f"{shorter} (2).TextGrid",
    ]


@given(st.lists(names | long_names, min_size=1, max_size=8, unique=True))
def test_no_two_recordings_share_a_file(files: list[str]) -> None:
    found = places(files, (), ".vtt")
    recordings = {str(Path(file).absolute()) for file in files}
    assert len({str(path).casefold() for path in found.values()}) == len(recordings)
    assert not any(path.is_absolute() or ".." in path.parts for path in found.values())
    folders = {str(folder).casefold() for path in found.values() for folder in path.parents}
    assert folders.isdisjoint(str(path).casefold() for path in found.values())
    assert all(len(os.fsencode(path.name)) <= 255 for path in found.values())
