from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emotiond.streamer.audio import wav
from emotiond.streamer.audio.wav import WavWriter
from tests.support.signals import noise


def test_the_file_is_readable_after_every_write(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    writer, samples = WavWriter(path), noise(1.0, -20)
    assert soundfile.info(path).frames == 0
    for first in range(0, 16_000, 1600):
        writer.append(samples[first : first + 1600])
        found, rate = soundfile.read(path, dtype="float32")
        assert (rate, found.shape) == (16_000, (first + 1600,))
        np.testing.assert_allclose(found, samples[: first + 1600], atol=1 / 65_000)
    assert writer.seconds == 1.0
    writer.close()


def test_16_bit_samples_are_written_bit_exactly(tmp_path: Path) -> None:
    integers = np.arange(-32_768, 32_768, dtype=np.int16)
    writer = WavWriter(tmp_path / "a.wav")
    writer.append(integers.astype(np.float32) / 32_768)
    writer.append(np.array([1.0, 7.0, -7.0], np.float32))
    writer.close()
    found, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    np.testing.assert_array_equal(found, [*integers, 32_767, 32_767, -32_768])


def test_the_header_does_not_count_a_partly_written_block(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    writer = WavWriter(path)
    writer.append(noise(0.5, -20))
    with path.open("ab") as file:
        file.write(b"\x01" * 777)
    assert soundfile.read(path)[0].shape == (8000,)
    writer.close()


def test_only_the_owner_can_read_it_and_no_file_is_overwritten(tmp_path: Path) -> None:
    WavWriter(tmp_path / "a.wav").close()
    if os.name == "posix":
        assert (tmp_path / "a.wav").stat().st_mode & 0o077 == 0
    with pytest.raises(FileExistsError):
        WavWriter(tmp_path / "a.wav")


def test_it_is_full_before_the_header_overflows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = WavWriter(tmp_path / "a.wav")
    assert not writer.is_full
    monkeypatch.setattr(wav, "_MOST_BYTES", 1000)
    writer.append(noise(0.1, -20))
    assert writer.is_full
    writer.close()
