"""Corpora are read as published, and every actor has one fold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from emotiond.exceptions import DataError
from emotiond.models.training.data.corpora import (
    FOLDS,
    TEST_FOLD,
    fold_of,
    load_audio,
    read_crema_d,
    read_esc10,
    read_nemo,
    read_ravdess,
)


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_ravdess_names_give_speaker_and_label(tmp_path: Path) -> None:
    touch(tmp_path / "Actor_14" / "03-01-08-02-01-01-14.wav")
    touch(tmp_path / "Actor_14" / "03-02-02-01-01-01-14.opus")
    speech, song = read_ravdess(tmp_path)
    assert (speech.corpus, speech.speaker, speech.label) == (
        "ravdess-speech",
        "ravdess-14",
        "surprised",
    )
    assert (song.corpus, song.label) == ("ravdess-song", "calm")
    assert speech.fold == song.fold == 1
    assert speech.female


def test_the_duplicate_recording_is_read_once(tmp_path: Path) -> None:
    touch(tmp_path / "03-01-03-01-02-01-07.flac")
    touch(tmp_path / "03-01-03-01-02-02-07.flac")
    (clip,) = read_ravdess(tmp_path)
    assert clip.path.stem == "03-01-03-01-02-01-07"


def test_every_actor_has_one_fold() -> None:
    assert sorted(fold_of(actor) for actor in range(1, 25)) == sorted(
        [1] * 5 + [2] * 5 + [3] * 5 + [4] * 5 + [TEST_FOLD] * 4
    )
    assert [fold_of(actor) for actors in FOLDS for actor in actors] == [
        fold for fold in (1, 2, 3, 4) for _ in range(5)
    ]


def test_nemo_and_esc10_names(tmp_path: Path) -> None:
    touch(tmp_path / "nemo" / "EB0_anger_1.opus")
    touch(tmp_path / "esc10" / "rain" / "4-1234-A.opus")
    (spoken,) = read_nemo(tmp_path / "nemo")
    (noise,) = read_esc10(tmp_path / "esc10")
    assert (spoken.speaker, spoken.label, spoken.fold) == ("nemo-EB0", "angry", 0)
    assert (noise.speaker, noise.label, noise.fold) == ("rain", None, 4)


def test_crema_d_names(tmp_path: Path) -> None:
    touch(tmp_path / "AudioWAV" / "1001_DFA_ANG_XX.wav")
    touch(tmp_path / "1091_WSI_HAP_HI.flac")
    labels = {clip.speaker: clip.label for clip in read_crema_d(tmp_path)}
    assert labels == {"crema-d-1001": "angry", "crema-d-1091": "happy"}
    assert {(clip.corpus, clip.fold) for clip in read_crema_d(tmp_path)} == {("crema-d", 0)}


def test_a_name_that_is_not_from_crema_d_is_an_error(tmp_path: Path) -> None:
    touch(tmp_path / "1001_DFA_SURPRISE_XX.wav")
    with pytest.raises(DataError, match="CREMA-D"):
        read_crema_d(tmp_path)


@pytest.mark.parametrize("name", ["03-01-09-01-01-01-01.wav", "03-01-01.wav"])
def test_a_name_that_is_not_from_ravdess_is_an_error(tmp_path: Path, name: str) -> None:
    touch(tmp_path / name)
    with pytest.raises(DataError, match=name):
        read_ravdess(tmp_path)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no clip"):
        read_ravdess(tmp_path)


def test_stereo_at_48_khz_becomes_mono_at_16_khz(tmp_path: Path) -> None:
    time = np.arange(48000) / 48000
    tone = np.sin(2 * np.pi * 440 * time)
    path = tmp_path / "tone.wav"
    soundfile.write(path, np.stack((tone, 0.5 * tone), axis=1), 48000)
    samples = load_audio(path)
    assert samples.shape == (16000,)
    assert samples.dtype == np.float32
    assert np.abs(samples[4000:12000]).max() == pytest.approx(0.75, abs=0.01)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(b"RIFF")
    with pytest.raises(DataError, match=r"broken\.wav"):
        load_audio(path)
