"""One more reader of sound files needs one more line in the table."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import soundfile

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError
from emotiond.streamer.readers import kinds
from emotiond.streamer.readers.reader import UnknownFormatError
from emotiond.streamer.readers.sound_file import open_sound_file, read_sound_file
from tests.support.signals import tone

HEAD = b"TEXT 8000 "
OLD_HEAD = b"TEXT "


class TextReader:
    """Reads samples that are written as numbers."""

    def __init__(self, path: str, content: BinaryIO | None) -> None:
        self._path = path
        text = Path(path).read_bytes() if content is None else content.read()
        if not text.startswith(OLD_HEAD):
            raise UnknownFormatError(f"{path}: it is no text of samples", "Write numbers")
        if not text.startswith(HEAD):
            raise SourceError(f"{path}: it is a text of an old kind", "Write it again")
        self.sample_rate, self.channels = 8000, 1
        self._words = text[len(HEAD) :].split()

    def read(self, frames: int) -> FloatArray:
        words, self._words = self._words[:frames], self._words[frames:]
        try:
            return np.array([float(word) for word in words], np.float32)[:, None]
        except ValueError as error:
            raise SourceError(f"{self._path}: it is damaged ({error})", "Write it again") from None

    def close(self) -> None:
        self._words = []


@pytest.fixture(autouse=True)
def with_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "READERS", (*kinds.READERS, TextReader))


def test_one_more_format_is_read_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(HEAD + b"0.5 -0.25 1")
    samples, rate = read_sound_file(str(path))
    assert (samples.ravel().tolist(), rate) == ([0.5, -0.25, 1.0], 8000)
    assert open_sound_file("upload", io.BytesIO(HEAD + b"0.5")).read(9).tolist() == [[0.5]]


def test_its_files_are_checked_as_all_others(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    for text, reason in ((b"", "no sound"), (b"1 nan", "not finite"), (b"1 one", "damaged")):
        path.write_bytes(HEAD + text)
        with pytest.raises(SourceError, match=reason):
            read_sound_file(str(path))


def test_another_reader_does_not_change_known_formats(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, tone(440, 0.1), 16_000)
    assert read_sound_file(str(path))[0].shape == (1600, 1)


def test_an_unknown_format_is_refused_with_the_error_of_the_first_reader(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(SourceError, match="not a sound file that can be read"):
        read_sound_file(str(path))


def test_a_known_format_that_cannot_be_read_is_refused_with_the_error_of_its_reader(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(OLD_HEAD + b"0.5")
    with pytest.raises(SourceError, match="of an old kind"):
        read_sound_file(str(path))
