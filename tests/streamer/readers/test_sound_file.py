from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError
from emotiond.streamer.readers.sound_file import open_sound_file, read_block, read_sound_file
from tests.support.signals import tone


def save(path: Path, samples: FloatArray, rate: int = 16_000, **details: Any) -> str:
    soundfile.write(str(path), samples, rate, **details)
    return str(path)


def refusal(path: str) -> str:
    with pytest.raises(SourceError) as refused:
        open_sound_file(path)
    line = str(refused.value)
    assert "\n" not in line
    assert line.startswith(path)
    return line


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "there is no such file" in refusal(str(tmp_path / "none.wav"))


@pytest.mark.parametrize("path", ["x" * 5000, "a\0b"])
def test_a_path_that_cannot_be_is_refused(path: str) -> None:
    with pytest.raises(SourceError):
        open_sound_file(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "this is a folder" in refusal(str(tmp_path))


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not sound at all\n" * 500, bytes(5000)])
@pytest.mark.parametrize("name", ["x.wav", "x.mp3", "x.raw", "x.txt"])
def test_a_file_without_audio_is_refused(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert "not a sound file" in refusal(str(path))


@pytest.mark.parametrize("name", ["x.mp3", "x.raw", "x.au", "x.vox", "x.sd2"])
def test_the_suffix_says_nothing(tmp_path: Path, name: str) -> None:
    sound = tone(440, 0.1)
    for content in ("WAV", "AIFF", "OGG"):
        samples, _ = read_sound_file(save(tmp_path / name, sound, format=content))
        assert samples.shape == (sound.size, 1)
    (tmp_path / name).write_bytes(b"<!DOCTYPE html>404" * 99)
    assert "not a sound file that can be read (Format not recognised)" in refusal(
        str(tmp_path / name)
    )


@pytest.mark.parametrize("format_", ["WAV", "FLAC"])
def test_zero_seconds_are_refused(tmp_path: Path, format_: str) -> None:
    path = tmp_path / "x"
    save(path, np.empty(0, np.float32), format=format_)
    line = refusal(str(path))
    assert "0 seconds" in line or "not a sound file" in line


def test_an_impossible_rate_is_refused(tmp_path: Path) -> None:
    assert "sample rate of 100 Hz" in refusal(save(tmp_path / "x.wav", tone(1, 0.1), 100))


def test_too_many_channels_are_refused(tmp_path: Path) -> None:
    sound = np.zeros((100, 65), np.float32)
    assert "65 channels" in refusal(save(tmp_path / "x.wav", sound))


def test_samples_that_no_scale_explains_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "x.wav", 1e30 * tone(440, 0.2), subtype="DOUBLE")
    with pytest.raises(SourceError, match="samples reach"):
        read_block(open_sound_file(str(path)), str(path), 0.1)


@pytest.mark.parametrize("scale", [2**15, 2**23])
def test_the_loudest_sound_of_a_file_tells_its_scale(tmp_path: Path, scale: int) -> None:
    swelling = np.linspace(0.001, 0.5, 32_000) * tone(440, 2)
    path = save(tmp_path / "x.wav", scale * swelling, subtype="DOUBLE")
    with pytest.raises(SourceError, match=f"Divide them by {scale} for "):
        read_sound_file(path)


def test_blocks_are_float32_and_empty_at_the_end(tmp_path: Path) -> None:
    path = save(tmp_path / "x.wav", tone(440, 0.1))
    reader = open_sound_file(path)
    blocks = [read_block(reader, path, 0.04) for _ in range(4)]
    reader.close()
    assert [block.shape for block in blocks] == [(640, 1), (640, 1), (320, 1), (0, 1)]
    assert blocks[0].dtype == np.float32


def test_a_file_larger_than_a_day_of_sound_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    save(path, tone(440, 0.1))
    os.truncate(path, 32_000_000_001)  # sparse: it takes no room
    assert "larger than 32 GB" in refusal(str(path))


@pytest.mark.parametrize("format_", ["WAV", "FLAC", "OGG"])
def test_a_whole_file_has_the_samples_that_soundfile_reads(tmp_path: Path, format_: str) -> None:
    path = tmp_path / "x"
    stereo = np.stack((tone(440, 70.0), tone(300, 70.0)), axis=1)  # longer than one block
    save(path, stereo, 16_000, format=format_)
    samples, rate = read_sound_file(str(path))
    expected, expected_rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    assert (rate, samples.shape) == (expected_rate, expected.shape)
    assert samples.tobytes() == expected.tobytes()
