"""The sound of films and phones, through the confined process that decodes all files."""

from __future__ import annotations

import io
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError
from emotiond.streamer.readers.containers import container_of
from emotiond.streamer.readers.decoder import Decoder
from emotiond.streamer.readers.media_reader import CODECS, CONTAINERS, MOST_TRACKS, MediaReader
from emotiond.streamer.readers.reader import UnknownFormatError
from emotiond.streamer.readers.sound_file import open_sound_file
from tests.support.films import Track, atom, beep, film, with_apple_counts

FILMS = {
    "M4A": ("ipod", "aac", 44_100, 132_300),
    "MP4": ("mp4", "aac", 44_100, 132_300),
    "MP3 in MP4": ("mp4", "libmp3lame", 44_100, 132_300),
    "Apple Lossless": ("ipod", "alac", 44_100, 132_300),
    "PCM in MOV": ("mov", "pcm_s16be", 44_100, 132_300),
    "PCM of 24 bits in MOV": ("mov", "pcm_s24le", 48_000, 144_000),
    "Opus in WebM": ("webm", "libopus", 48_000, 144_000),
    "FLAC in Matroska": ("matroska", "flac", 44_100, 132_300),
    "PCM in AVI": ("avi", "pcm_s16le", 44_100, 132_300),
    # These do not say where the encoder's padding begins, nor the last two what its delay is.
    "AAC in Matroska": ("matroska", "aac", 44_100, 133_120),
    "AC-3 in Matroska": ("matroska", "ac3", 48_000, 144_128),
    "AAC in MPEG-TS": ("mpegts", "aac", 44_100, 134_144),
    "AAC": ("adts", "aac", 44_100, 134_144),
}
"""Container and codec by FFmpeg's names, rate, and how many samples there are of 3 s."""


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as begun:
        yield begun


def samples_of(decoder: Decoder, content: bytes) -> tuple[FloatArray, int]:
    sound = decoder.open("film", io.BytesIO(content))
    if sys.platform == "linux":
        assert sound.unconfined is None
    blocks = [sound.read()]
    while blocks[-1].shape[0]:
        blocks.append(sound.read())
    return np.concatenate(blocks), sound.sample_rate


def edges(samples: FloatArray, rate: int) -> list[float]:
    """When a tone begins and ends, in seconds."""
    window = rate // 200
    level = np.convolve(np.abs(samples[:, 0]), np.ones(window) / window, "same")
    is_loud = np.concatenate(([False], level > 0.15, [False]))
    return [float(edge) / rate for edge in np.flatnonzero(np.diff(is_loud))]


@pytest.mark.parametrize("name", FILMS)
def test_the_sound_is_read_to_its_end(decoder: Decoder, name: str) -> None:
    container, codec, rate, length = FILMS[name]
    found, found_rate = samples_of(decoder, film(container, Track(codec, rate, beep(rate, 3.0))))
    assert (found.shape, found_rate) == ((length, 1), rate)
    assert np.sqrt(np.mean(found[rate:-rate] ** 2)) == pytest.approx(0.354, abs=0.02)


@pytest.mark.parametrize(
    ("container", "codec"), [("mp4", "aac"), ("matroska", "libopus"), ("mpegts", "aac")]
)
def test_times_are_those_of_the_film(decoder: Decoder, container: str, codec: str) -> None:
    """The sound begins after the picture, and pauses for a while."""
    track = Track(codec, 48_000, beep(48_000, 2.0), start_seconds=0.75, hole=(1.0, 1.5))
    found, rate = samples_of(decoder, film(container, track, picture_seconds=5.0))
    # An encoder smears the edges over a frame of its own; MPEG-TS keeps its delay of 1,024 samples.
    assert edges(found, rate) == pytest.approx([0.75, 1.75, 3.25, 4.25], abs=0.03)


def test_apples_note_says_where_the_sound_ends(decoder: Decoder) -> None:
    """Their older encoders write no edit list."""
    made = film("ipod", Track("aac", 44_100, beep(44_100, 3.0)), options={"use_editlist": "0"})
    assert samples_of(decoder, made)[0].shape[0] > 133_000
    noted = with_apple_counts(made, delay=1024, padding=820, length=132_300)
    assert samples_of(decoder, noted)[0].shape[0] == 132_300


def test_channels_stay_apart(decoder: Decoder) -> None:
    both = beep(48_000, 1.0, channels=2)
    both[:, 1] = 0
    found, _ = samples_of(decoder, film("mov", Track("pcm_s16le", 48_000, both)))
    assert np.abs(found).max(axis=0).tolist() == pytest.approx([0.5, 0.0], abs=0.001)


def test_the_track_that_the_film_marks_is_read(decoder: Decoder) -> None:
    quiet, loud = 0.1 * beep(48_000, 1.0), beep(48_000, 1.0)
    for is_first in (True, False):
        made = film(
            "matroska",
            Track("flac", 48_000, loud if is_first else quiet, is_default=is_first),
            Track("flac", 48_000, quiet if is_first else loud, is_default=not is_first),
        )
        assert np.abs(samples_of(decoder, made)[0]).max() == pytest.approx(0.5, abs=0.01)


def test_what_is_missing_at_the_end_or_damaged_costs_no_more_than_that(decoder: Decoder) -> None:
    made = film("matroska", Track("flac", 48_000, beep(48_000, 4.0)))
    cut, _ = samples_of(decoder, made[: len(made) // 2])
    assert 1.0 < cut.shape[0] / 48_000 < 3.0
    middle = len(made) // 2
    damaged, _ = samples_of(decoder, made[:middle] + bytes(200) + made[middle + 200 :])
    assert damaged.shape[0] / 48_000 > 3.0


def unfinished(name: str) -> bytes:
    """An MP4 as a phone leaves it whose battery is empty."""
    made = film("mp4", Track(name, 48_000, beep(48_000, 1.0)))
    return made[: made.rindex(b"moov") - 4]


BAD = {
    "a film without sound": (lambda: film("mp4", picture_seconds=1.0), "it has no sound"),
    "an unfinished film": (lambda: unfinished("aac"), "damaged, or was never finished"),
    "nothing behind the head": (lambda: atom(b"ftyp", b"isom" + bytes(4)), "damaged, or was"),
    "a codec that is not read": (
        lambda: film("mov", Track("pcm_s16le", 48_000, beep(48_000, 0.1))).replace(
            b"sowt", b"QDM2"
        ),
        "codec that is not read",
    ),
    "a track that holds nothing": (
        lambda: film("matroska", Track("flac", 48_000, beep(48_000, 0.1)))[:400],
        "damaged, or was|no sound",
    ),
    "an impossible rate": (
        lambda: film("mov", Track("pcm_s16le", 1_000, beep(1_000, 1.0))),
        "sample rate of 1000 Hz",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_sound_is_refused_in_a_sentence(decoder: Decoder, name: str) -> None:
    make, reason = BAD[name]
    with pytest.raises(SourceError, match=f"film: .*({reason})"):
        samples_of(decoder, make())


def test_far_more_tracks_than_a_film_has_do_no_harm(decoder: Decoder) -> None:
    crowd = film(
        "matroska", *(Track("flac", 8_000, beep(8_000, 0.1)) for _ in range(MOST_TRACKS + 9))
    )
    assert samples_of(decoder, crowd)[0].shape[0] > 0


def test_a_film_that_refers_to_another_file_gets_nothing_of_it(tmp_path: Path) -> None:
    """In a MOV, the samples may be in a file of another name. FFmpeg is not to open it."""
    other = film("mov", Track("pcm_s16le", 8_000, beep(8_000, 1.0)))
    (tmp_path / "other.mov").write_bytes(other)
    url = str(tmp_path / "other.mov").encode()
    alias = atom(b"url ", bytes(4) + b"file://" + url + b"\0")
    referring = other.replace(atom(b"url ", bytes(3) + b"\1"), alias)
    if referring == other:  # FFmpeg's muxer of MOV writes an alias
        referring = other.replace(atom(b"alis", bytes(3) + b"\1"), alias)
    assert referring != other
    grown = len(alias) - 12
    for name in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        at = referring.rindex(name) - 4
        (size,) = struct.unpack_from(">I", referring, at)
        referring = referring[:at] + struct.pack(">I", size + grown) + referring[at + 4 :]
    referring = referring.replace(other[36:196], bytes(160))  # its own samples are silent there
    (tmp_path / "film.mov").write_bytes(referring)
    with Decoder() as begun:
        sound = begun.open(str(tmp_path / "film.mov"))
        assert np.abs(sound.read()[:80]).max() == 0


@pytest.mark.parametrize(
    "beginning",
    [b"", b"RIFF\0\0\0\0WAVE", b"fLaC", b"OggS", b"ID3", b"\xff\xfb\x90\x64" * 9, b"#!/"],
)
def test_what_libsndfile_reads_is_none_of_its_business(beginning: bytes) -> None:
    assert container_of(beginning) is None
    with pytest.raises(UnknownFormatError, match="not a sound file"):
        MediaReader("x", io.BytesIO(beginning))


def test_without_pyav_the_sentence_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emotiond.streamer.readers.media_reader._load", lambda: False)
    made = film("mp4", Track("aac", 48_000, beep(48_000, 0.5)))
    with pytest.raises(SourceError, match=r"x\.mp4: only PyAV reads .* -m pip install av"):
        open_sound_file("x.mp4", io.BytesIO(made))
    with pytest.raises(SourceError, match="not a sound file that can be read"):
        open_sound_file("x.mp4", io.BytesIO(b"no film"))


def test_the_lists_know_neither_pictures_nor_other_addresses() -> None:
    """A demuxer of playlists (hls, concat) or of devices would open other files by itself."""
    assert not {"hls", "concat", "dash", "rtsp", "sdp", "image2", "lavfi"} & {*CONTAINERS}
    assert not {"h264", "hevc", "mjpeg", "png"} & {*CODECS}
