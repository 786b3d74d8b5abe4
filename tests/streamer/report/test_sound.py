"""Sound becomes small, and keeps the time of the track."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from emotiond.exceptions import ReportError
from emotiond.streamer.report.sound import encode, firsts_of
from emotiond.streamer.report.track import Piece, Track

RATE = 16_000
DELAY_SECONDS = 0.15  # of the encoder and the decoder, at most


def bursts(*seconds: float, lasting: float = 3.0, rate: int = RATE) -> Any:
    """Return silence with a loud tenth of a second at each time."""
    samples = np.zeros(round(lasting * rate), np.float32)
    for at in seconds:
        begin, end = round(at * rate), round((at + 0.1) * rate)
        samples[begin:end] = 0.5 * np.sin(np.arange(end - begin) * 2 * np.pi * 500 / rate)
    return samples


def heard(content: bytes) -> list[float]:
    """Return when something loud begins, in seconds."""
    samples, rate = soundfile.read(io.BytesIO(content))
    loud = np.abs(samples) > 0.2
    begins = np.flatnonzero(loud)
    return [at / rate for at in begins[np.diff(begins, prepend=-rate) > rate / 4]]


def test_a_file_of_any_rate_and_number_of_channels(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    left = bursts(0.5, 2.0, rate=44_100)
    soundfile.write(path, np.column_stack([left, left]), 44_100)
    sounds = encode([Track(str(path), str(path), is_session=False)], [{"originSeconds": 0.0}])
    assert heard(sounds[0]) == pytest.approx([0.5, 2.0], abs=DELAY_SECONDS)
    assert len(sounds[0]) < 3.5 * 24_000 / 8


def test_gaps_of_a_session_are_silence(tmp_path: Path) -> None:
    """The file goes on at once where the stream has a gap of ten seconds, and began at 60."""
    path = tmp_path / "mic.wav"
    soundfile.write(path, bursts(0.5, 2.0), RATE)
    track = Track("mic", str(path), is_session=True)
    track.pieces = [Piece(0.0, 60.0), Piece(1.0, 71.0)]
    sounds = encode([track], [{"originSeconds": 60.0}])
    assert heard(sounds[0]) == pytest.approx([0.5, 12.0], abs=DELAY_SECONDS)


def test_a_gap_of_days_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mic.wav"
    soundfile.write(path, bursts(0.5), RATE)
    track = Track("mic", str(path), is_session=True)
    track.pieces = [Piece(0.0, 0.0), Piece(1.0, 4e8)]
    with pytest.raises(ReportError, match="longer than a day"):
        encode([track], [{"originSeconds": 0.0}])


@pytest.mark.skipif(os.name != "posix", reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    os.mkfifo(path)
    with pytest.raises(ReportError, match="is no file, but a pipe"):
        encode([Track("a", str(path), is_session=False)], [{"originSeconds": 0.0}])


def test_speakers_of_a_file_share_its_sound() -> None:
    tracks = [Track("a", file, is_session=False) for file in ("a.wav", "b.wav", "a.wav")]
    assert firsts_of(tracks) == [0, 1, 0]


def test_a_sound_that_is_gone_is_named(tmp_path: Path) -> None:
    track = Track("a.wav", str(tmp_path / "a.wav"), is_session=False)
    with pytest.raises(ReportError, match=r"a\.wav.* Go to the folder .*leave --sound out"):
        encode([track], [{"originSeconds": 0.0}])


def test_a_session_without_sound_says_so() -> None:
    with pytest.raises(ReportError, match=r"the sound of mic was not recorded .*--record FILE"):
        encode([Track("mic", "mic.wav", is_session=True)], [{"originSeconds": 0.0}])
