"""Files whose headers count too little, or that hold several recordings, are read to their end."""

from __future__ import annotations

import errno
import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError
from emotiond.streamer.readers.libsndfile_reader import LibsndfileReader
from emotiond.streamer.readers.piece import Piece, PieceFile
from emotiond.streamer.readers.pieces import pieces_of
from tests.support.signals import RATE, demo, noise, tone
from tests.support.sound_files import encoded, loud_then_quiet, mp2_frame, without_count

SOUND = demo()[: 4 * RATE]
VARIABLE = {"bitrate_mode": "VARIABLE", "compression_level": 0.3}
ID3 = b"ID3\x04\0\0\0\0\x10\0" + bytes(2048)
ID3_BEHIND = b"TAG" + bytes(125)
LIST = b"LIST" + struct.pack("<I", 26) + b"INFOISFT\x0e\0\0\0Lavf59.27.100\0"


def read(content: bytes) -> FloatArray:
    reader = LibsndfileReader("x", io.BytesIO(content))
    blocks = [reader.read(4000)]
    while blocks[-1].shape[0]:
        blocks.append(reader.read(4000))
    reader.close()
    return np.concatenate(blocks)


def patched(content: bytes, at: int, value: bytes) -> bytes:
    return content[:at] + value + content[at + len(value) :]


def wav(size: int | None = None, subtype: str = "PCM_16", behind: bytes = b"") -> bytes:
    """A WAV file whose header counts so many bytes of sound."""
    content = encoded(SOUND, "WAV", subtype=subtype)
    if size is not None:
        content = patched(content, content.index(b"data") + 4, struct.pack("<I", size))
    return content + behind


def aiff(counted: int) -> bytes:
    content = encoded(SOUND, "AIFF", subtype="PCM_16")
    content = patched(content, content.index(b"SSND") + 4, struct.pack(">I", 8 + 2 * counted))
    return patched(content, content.index(b"COMM") + 10, struct.pack(">I", counted))


def au(size: int) -> bytes:
    return patched(encoded(SOUND, "AU", subtype="PCM_16"), 8, struct.pack(">I", size))


def caf(size: int) -> bytes:
    content = encoded(SOUND, "CAF", subtype="PCM_16")
    return patched(content, content.index(b"data") + 4, struct.pack(">q", size))


def rf64(size: int) -> bytes:
    content = encoded(SOUND, "RF64", subtype="PCM_16")
    return patched(content, content.index(b"ds64") + 16, struct.pack("<q", size))


def flac(counted: int) -> bytes:
    content = encoded(SOUND, "FLAC", subtype="PCM_16")
    numbers = int.from_bytes(content[18:26], "big") >> 36 << 36 | counted
    return patched(content, 18, numbers.to_bytes(8, "big"))


QUARTER = SOUND.shape[0] // 4
UNFINISHED: dict[str, Callable[[], bytes]] = {
    "WAV, 0": lambda: wav(0),
    "WAV, a quarter": lambda: wav(2 * QUARTER),
    "WAV, an odd number": lambda: wav(2 * QUARTER + 1),
    "WAV, unknown": lambda: wav(0xFFFFFFFF),
    "RF64, 0": lambda: rf64(0),
    "RF64, a quarter": lambda: rf64(2 * QUARTER),
    "AIFF, 0": lambda: aiff(0),
    "AIFF, a quarter": lambda: aiff(QUARTER),
    "AU, 0": lambda: au(0),
    "AU, a quarter": lambda: au(2 * QUARTER),
    "CAF, 0": lambda: caf(0),
    "CAF, a quarter": lambda: caf(2 * QUARTER + 4),
    "CAF, unknown": lambda: caf(-1),
    "FLAC, unknown": lambda: flac(0),
    "FLAC, a quarter": lambda: flac(QUARTER),
}
INTEGERS = np.round(SOUND * 32768) / 32768


@pytest.mark.parametrize("name", UNFINISHED)
def test_a_header_that_was_never_finished_is_not_believed(name: str) -> None:
    found = read(UNFINISHED[name]())
    assert found.shape[0] == pytest.approx(SOUND.shape[0], abs=2)  # CAF: its edit count is sound
    np.testing.assert_allclose(found[-1000:-2, 0], INTEGERS[-1000:-2], atol=1e-4)


def test_it_is_read_by_its_path_as_well(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(wav(0))
    reader = LibsndfileReader(str(path), None)
    assert reader.read(10**6).shape[0] == SOUND.shape[0]
    reader.close()


@pytest.mark.parametrize("behind", [LIST, LIST + LIST, b"\0", ID3_BEHIND, LIST + ID3_BEHIND])
def test_what_follows_the_sound_is_no_sound(behind: bytes) -> None:
    np.testing.assert_allclose(read(wav(behind=behind))[:, 0], INTEGERS, atol=1e-6)


@pytest.mark.parametrize("counted", [0, 62_463])
@pytest.mark.parametrize("behind", [ID3_BEHIND, bytes(3000)])
def test_what_follows_the_sound_of_a_flac_file_is_no_damage(counted: int, behind: bytes) -> None:
    sound = SOUND[:62_463]  # no whole number of blocks, nor of frames
    content = encoded(sound, "FLAC", subtype="PCM_16")
    numbers = int.from_bytes(content[18:26], "big") >> 36 << 36 | counted
    found = read(patched(content, 18, numbers.to_bytes(8, "big")) + behind)[:, 0]
    if counted:
        np.testing.assert_allclose(found, INTEGERS[: sound.size], atol=1e-6)
    assert 0 <= sound.size - found.size < 1000


@pytest.mark.parametrize("counted", [0, SOUND.shape[0]])
def test_a_flac_file_that_is_cut_off_is_read_up_to_there(counted: int) -> None:
    content = flac(counted)
    found = read(content[: len(content) // 2])[:, 0]
    assert SOUND.size // 4 < found.size < SOUND.size
    np.testing.assert_allclose(found, INTEGERS[: found.size], atol=1e-6)


def test_a_flac_file_with_a_hole_is_damaged() -> None:
    content = flac(0)
    with pytest.raises(SourceError, match="it is damaged"):
        read(content[:20_000] + bytes(2000) + content[22_000:])


class FailingDisk(io.BytesIO):
    """A file of which the second half cannot be read."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > len(self.getvalue()) // 2:
            raise OSError(errno.EIO, "Input/output error")
        return super().read(size)


@pytest.mark.parametrize("format_", ["WAV", "AIFF", "OGG"])
def test_a_disk_that_fails_is_no_end_of_the_sound(format_: str) -> None:
    sound = np.concatenate([noise(20, -20)] * 2)
    disk = FailingDisk(encoded(sound, format_))
    with pytest.raises((SourceError, OSError)) as failed:
        reader = LibsndfileReader("x", disk)
        while reader.read(8000).shape[0]:
            pass
    assert failed.type is OSError or "the disk cannot be read here" in str(failed.value)


def test_a_wav_file_without_sound_has_none() -> None:
    empty = encoded(np.empty(0, np.float32), "WAV", subtype="PCM_16")
    for content in (empty, empty + LIST):
        assert read(content).shape[0] == 0


def test_a_variable_mp3_that_is_loud_at_its_start_is_read_to_its_end() -> None:
    sound = loud_then_quiet(58)
    content = without_count(encoded(sound, "MP3", **VARIABLE))
    assert soundfile.info(io.BytesIO(content)).duration < 40  # what libsndfile guesses
    assert read(content).shape[0] == pytest.approx(sound.shape[0], abs=3000)


@pytest.mark.parametrize("details", [{}, VARIABLE])
@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_an_mp3_without_a_count_has_no_stale_end(rate: int, details: dict[str, object]) -> None:
    sound = np.concatenate((tone(440, 3, rate=rate), np.zeros(rate, np.float32)))
    found = read(without_count(encoded(sound, "MP3", rate, **details)))[:, 0]
    assert 0 <= found.size - sound.size < 4000
    assert np.abs(found[-rate // 2 :]).max() < 0.01  # not the tone once more


@pytest.mark.parametrize("details", [{}, VARIABLE])
def test_an_mp3_with_its_count_is_as_long_as_the_sound(details: dict[str, object]) -> None:
    content = encoded(SOUND, "MP3", **details)
    assert pieces_of(io.BytesIO(content), len(content)) == [Piece(0, len(content))]
    assert read(content).shape[0] == SOUND.shape[0]
    assert read(ID3 + content + ID3_BEHIND).shape[0] == SOUND.shape[0]


def test_frames_that_came_after_the_count_are_read() -> None:
    content = encoded(SOUND, "MP3")
    more = without_count(encoded(SOUND, "MP3"))
    assert read(content + more).shape[0] == pytest.approx(2 * SOUND.shape[0], abs=3000)


@pytest.mark.parametrize(
    ("format_", "subtype"),
    [
        ("MP3", "MPEG_LAYER_III"),
        ("OGG", "VORBIS"),
        ("OGG", "OPUS"),
        ("FLAC", "PCM_16"),
        ("WAV", "PCM_16"),
        ("WAV", "GSM610"),
        ("AIFF", "PCM_16"),
        ("RF64", "PCM_16"),
    ],
)
def test_recordings_that_are_joined_are_read_one_after_the_other(
    format_: str, subtype: str
) -> None:
    parts = [encoded(sound, format_, subtype=subtype) for sound in (SOUND, noise(2, -20), SOUND)]
    expected = np.concatenate([read(part) for part in parts])
    np.testing.assert_array_equal(read(b"".join(parts)), expected)


def test_a_variable_mp2_that_is_loud_at_its_start_is_read_to_its_end() -> None:
    levels = [7] * 50 + [2] * 150
    plain = b"".join(mp2_frame(64, level=level) for level in levels)
    varied = b"".join(mp2_frame(192 if level == 7 else 64, level=level) for level in levels)
    assert soundfile.info(io.BytesIO(varied)).frames < 120 * 1152  # what libsndfile guesses
    found = read(varied)
    assert found.shape == (200 * 1152, 1)
    assert np.abs(found[-1152:]).max() > 0.01
    np.testing.assert_allclose(found, read(plain), atol=1e-6)
    assert pieces_of(io.BytesIO(plain), len(plain)) == [Piece(0, len(plain))]


def test_joined_mp2_files_are_read_one_after_the_other() -> None:
    part = b"".join(mp2_frame(64, level=5) for _ in range(100))
    other = b"".join(mp2_frame(64, rate=32_000, level=5) for _ in range(100))
    found = read(part + ID3_BEHIND + other)
    assert found.shape == (pytest.approx(100 * 1152 * (1 + 48 / 32), abs=5), 1)


def test_tags_between_joined_mp3_files_are_passed_over() -> None:
    part = encoded(SOUND, "MP3")
    assert read(2 * (ID3 + part + ID3_BEHIND)).shape[0] == 2 * SOUND.shape[0]


@pytest.mark.parametrize("format_", ["MP3", "OGG"])
def test_a_joined_recording_of_another_rate_keeps_its_speed(format_: str) -> None:
    other = np.stack([tone(440, 2, rate=48_000)] * 2, axis=1)
    found = read(encoded(SOUND, format_) + encoded(other, format_, 48_000))
    assert found.shape == (pytest.approx(SOUND.shape[0] + 2 * RATE, abs=20), 1)
    spectrum = np.abs(np.fft.rfft(found[-RATE:, 0]))
    assert int(spectrum.argmax()) == 440


def test_a_piece_is_a_file_that_can_be_sought_in() -> None:
    piece = Piece(2, 8, b"ab", {1: b"XYZ", 7: b"!?"})
    file = PieceFile(io.BytesIO(b"0123456789"), piece)
    assert file.read() == b"abYZ456!"
    assert (file.seek(-3, io.SEEK_END), file.read(2), file.tell()) == (5, b"56", 7)
    assert (file.seek(1), file.read(3)) == (1, b"bYZ")
    assert (file.seek(2, io.SEEK_CUR), file.read(9), file.read(1)) == (6, b"6!", b"")


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("details", [{}, VARIABLE])
@pytest.mark.parametrize("counted", [True, False])
def test_an_mp3_in_blocks_has_the_samples_that_it_has_at_once(
    rate: int, details: dict[str, object], counted: bool
) -> None:
    content = encoded(SOUND, "MP3", rate, **details)
    content = content if counted else without_count(content)
    reader = LibsndfileReader("x", io.BytesIO(content))
    at_once = reader.read(10**6)
    blocks = read(content)
    np.testing.assert_array_equal(blocks, at_once)


@pytest.mark.parametrize("counted", [True, False])
def test_soundfile_that_seeks_damages_an_mp3_at_each_joint(counted: bool) -> None:
    """Where this fails, soundfile is mended, and the reader's own class has no use any more."""

    class Unseekable(soundfile.SoundFile):  # type: ignore[misc]  # untyped
        def seekable(self) -> bool:
            return False

    content = encoded(tone(440, 4.0, rate=44_100), "MP3", 44_100)
    content = content if counted else without_count(content)
    found = []
    for kind in (soundfile.SoundFile, Unseekable):
        with kind(io.BytesIO(content)) as file:
            blocks = [file.read(1000, "float32")]
            while blocks[-1].size:
                blocks.append(file.read(1000, "float32"))
        found.append(np.concatenate(blocks))
    seeking, forward = found
    damaged = np.abs(seeking - forward) > 1e-3
    assert damaged.mean() > 0.002
    assert np.abs(seeking - forward)[:1000].max() < 1e-6  # up to the first joint
