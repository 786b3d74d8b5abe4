"""One's own recordings become clips: each sound once, each speaker in one fold."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from emotiond.exceptions import DataError
from emotiond.models.training.data.corpora import load_audio
from emotiond.models.training.data.own import OwnClip, make_corpus, read_own_clips
from emotiond.models.training.data.table import Row
from tests.models.sounds import RATE, babble

TABLE = Path("clips.csv")


@pytest.fixture
def long(tmp_path: Path) -> Path:
    """Six seconds, of which no two parts are the same."""
    path = tmp_path / "long.wav"
    soundfile.write(path, babble(6.0), RATE, "FLOAT")
    return path


def refused(rows: Sequence[Row], folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    with pytest.raises(DataError, match="named above"):
        read_own_clips(TABLE, rows, folder / "segments")
    return [line for line in capsys.readouterr().err.splitlines() if "clips.csv, line" in line]


def clips(*told: tuple[str, str]) -> list[OwnClip]:
    """Clips of speakers and labels, each with another sound."""
    return [
        OwnClip(Row(number, Path(f"{number}.wav"), *which), Path(f"{number}.wav"), 2.0, str(number))
        for number, which in enumerate(told, 2)
    ]


EACH = [*itertools.product(("anna", "ben", "cleo"), ("happy", "sad"))]


def test_a_segment_is_cut_and_a_whole_file_stays_where_it_is(long: Path, tmp_path: Path) -> None:
    rows = [Row(2, long, "anna", "happy", 1.0, 2.5), Row(3, long, "anna", "sad")]
    part, whole = read_own_clips(TABLE, rows, tmp_path / "segments")
    np.testing.assert_array_equal(
        load_audio(part.samples_path), load_audio(long)[RATE : RATE * 5 // 2]
    )
    assert part.samples_path.parent == tmp_path / "segments"
    assert whole.samples_path == long
    assert (part.seconds, whole.seconds) == (1.5, 6.0)


def test_an_end_that_a_table_rounds_up_is_taken(long: Path, tmp_path: Path) -> None:
    (clip,) = read_own_clips(TABLE, [Row(2, long, "a", "sad", 5.0, 6.01)], tmp_path / "segments")
    assert clip.seconds == 1.0


@pytest.mark.parametrize(
    ("start", "end", "fault"),
    [
        (1.0, 6.5, "lasts 6.00 s, so no part from 1 to 6.5 s is in it"),
        (7.0, None, "lasts 6.00 s"),
        (1.0, 1.2, "it lasts 0.20 s, and 0.5 s are needed"),
        (0.0, 0.5, "digital silence"),
    ],
)
def test_a_segment_that_is_none_is_a_fault(
    long: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    start: float,
    end: float | None,
    fault: str,
) -> None:
    (said,) = refused([Row(7, long, "anna", "happy", start, end)], tmp_path, capsys)
    assert "clips.csv, line 7: " in said
    assert fault in said


def test_a_file_that_cannot_be_read_is_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(b"RIFF")
    (said,) = refused([Row(2, path, "anna", "happy")], tmp_path, capsys)
    assert "broken.wav" in said


def test_one_sound_under_two_speakers_or_labels_is_refused_whatever_its_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = np.rint(32768 * babble(2.0)).astype(np.int16)
    for name in ("a.wav", "b.flac"):
        soundfile.write(tmp_path / name, sound, RATE, "PCM_16")
    one, other = Row(2, tmp_path / "a.wav", "anna", "sad"), tmp_path / "b.flac"
    (said,) = refused([one, Row(3, other, "ben", "sad")], tmp_path, capsys)
    assert "line 3: the same sound as line 2 under two speakers, anna and ben" in said
    (said,) = refused([one, Row(3, other, "anna", "calm")], tmp_path, capsys)
    assert "line 3: the same sound as line 2 under two labels, sad and calm" in said


def test_a_repeated_sound_counts_once_and_is_told() -> None:
    told = clips(*EACH)
    again = OwnClip(Row(9, Path("copy.wav"), "anna", "happy"), Path("copy.wav"), 2.0, "2")
    corpus, notes = make_corpus(TABLE, [*told, again])
    assert [clip.path for clip in corpus.clips] == [clip.samples_path for clip in told]
    assert notes == ["1 clips repeat another one and are left out"]


def test_three_speakers_with_two_labels_are_needed() -> None:
    few = [*EACH[:4], ("cleo", "happy"), ("dora", "sad")]
    with pytest.raises(DataError, match=r"has 2 speakers with two labels or more, and at least 3"):
        make_corpus(TABLE, clips(*few))


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(("happy", "sad", "angry"))),
        max_size=40,
    )
)
def test_a_speaker_is_in_one_fold_and_a_fold_has_several_labels(
    told: list[tuple[str, str]],
) -> None:
    corpus, _ = make_corpus(TABLE, clips(*EACH, *told))
    folds = {
        name: {clip.fold for clip in corpus.clips if clip.speaker == name}
        for name in {clip.speaker for clip in corpus.clips}
    }
    assert all(len(found) == 1 for found in folds.values())
    assert {fold for found in folds.values() for fold in found} == {*range(1, corpus.folds + 1)}
    assert 3 <= corpus.folds <= 4
    for fold in range(1, corpus.folds + 1):
        assert len({clip.label for clip in corpus.clips if clip.fold == fold}) > 1


def test_names_of_speakers_stay_in_the_table() -> None:
    corpus, _ = make_corpus(TABLE, clips(*EACH, ("../\x1b", "sad"), ("../\x1b", "happy")))
    assert {clip.speaker for clip in corpus.clips} == {f"own-00{number}" for number in range(4)}
    assert corpus.name_of("own-000") == "../\\x1b"


def test_what_a_voice_alone_tells_is_noted() -> None:
    corpus, notes = make_corpus(TABLE, clips(*EACH, ("dora", "calm")))
    assert notes == [
        "1 speakers have one label alone, so their voice tells it: dora",
        "calm is spoken by one speaker alone, so no fold can judge it",
    ]
    assert corpus.labels == {"happy": 3, "sad": 3, "calm": 1}


def test_overlapping_segments_of_two_speakers_are_noted() -> None:
    parts = [("anna", 0.0, 2.0), ("ben", 1.5, 3.0), ("ben", 2.5, 4.0), ("cleo", 4.0, 5.0)]
    overlapping = [
        OwnClip(Row(n, Path("x.wav"), who, "sad", start, end), Path("x"), end - start, f"x{n}")
        for n, (who, start, end) in enumerate(parts)
    ]
    _, notes = make_corpus(TABLE, [*clips(*EACH), *overlapping])
    assert notes[0].startswith("1 segments of two speakers overlap")


def test_a_long_segment_overlaps_all_that_others_say_meanwhile() -> None:
    parts = [("anna", 0.0, 60.0), ("anna", 1.0, 2.0), ("ben", 10.0, 11.0), ("ben", 20.0, 21.0)]
    overlapping = [
        OwnClip(Row(n, Path("x.wav"), who, "sad", start, end), Path("x"), end - start, f"x{n}")
        for n, (who, start, end) in enumerate(parts)
    ]
    _, notes = make_corpus(TABLE, [*clips(*EACH), *overlapping])
    assert notes[0].startswith("2 segments of two speakers overlap")


def test_another_label_or_speaker_is_another_training() -> None:
    digests = {
        make_corpus(TABLE, clips(*EACH, extra))[0].digest
        for extra in (("anna", "sad"), ("anna", "happy"), ("ben", "sad"))
    }
    assert len(digests) == 3
