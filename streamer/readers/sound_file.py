"""Reads sound files within limits, by the first reader that knows their format."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError
from emotiond.streamer.audio.samples import fault_of, peak_of
from emotiond.streamer.readers import kinds
from emotiond.streamer.readers.opening import open_to_read
from emotiond.streamer.readers.reader import SoundReader, UnknownFormatError
from emotiond.streamer.readers.riff import WAV

MOST_SECONDS = 24 * 3600
LOWEST_RATE, HIGHEST_RATE = 2_000, 384_000
"""Hz. At 1,000 Hz, one clip in eight got the right label: chance."""

MOST_CHANNELS = 64
_MOST_BYTES = 32_000_000_000  # a day at 96 kHz, in stereo and 16 bits
_BLOCK_SECONDS = 60.0
_FIRST_SECONDS = 0.5  # of sound that is read when a file is opened
_PEAK_SECONDS = 600.0  # of sound that is searched for the peak that tells the scale of integers


def open_sound_file(path: str, content: BinaryIO | None = None) -> SoundReader:
    """Open a sound file. Its content determines the format.

    Args:
        path: the path, or a name for messages if there is content.
        content: a file without a path; it stays open.

    Raises:
        SourceError: the file is missing, not audio, empty, too large, or of an impossible shape.
    """
    size = _size(path, content)
    if size == 0:
        raise SourceError(f"{path}: it is empty, and not a sound file", "Copy or record it again")
    if size > _MOST_BYTES:
        raise SourceError(f"{path}: it is larger than {_MOST_BYTES / 1e9:g} GB", "Cut it up")
    reader = _open(path, content)
    try:
        fault = _fault(reader)
        if fault:
            raise SourceError(f"{path}: {fault}", "Convert it to mono at 16 kHz or more")
        first = reader.read(round(_FIRST_SECONDS * reader.sample_rate))
        if not first.shape[0]:
            raise SourceError(f"{path}: it holds no sound (0 seconds)", "Copy or record it again")
    except BaseException:
        reader.close()
        raise
    return _Begun(reader, first)


class _Begun:
    """A reader of which the first samples are read, since some formats cannot seek back to them."""

    def __init__(self, reader: SoundReader, first: FloatArray) -> None:
        self.sample_rate = reader.sample_rate
        self.channels = reader.channels
        self._reader = reader
        self._first = first

    def read(self, frames: int) -> FloatArray:
        if not self._first.shape[0]:
            return self._reader.read(frames)
        samples, self._first = self._first[:frames], self._first[frames:]
        return samples

    def close(self) -> None:
        self._reader.close()


def try_readers() -> None:
    """Have every reader do what it does once, such as the import of its library.

    Raises:
        SourceError: none can read a WAV file.
    """
    refusals: list[SourceError] = []
    for open_reader in kinds.READERS:
        try:
            reader = open_reader("a WAV file", io.BytesIO(WAV))
            reader.read(len(WAV))
            reader.close()
        except SourceError as error:
            refusals.append(error)
    if len(refusals) == len(kinds.READERS):
        raise refusals[0]


def _size(path: str, content: BinaryIO | None) -> int:
    """Return the size in bytes."""
    if content is not None:
        content.seek(0, os.SEEK_END)
        return content.tell()
    with open_to_read(path) as file:
        return os.fstat(file.fileno()).st_size


def path_exists(path: str) -> bool:
    """Return whether the file exists. Any text is allowed, however long or strange."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def read_block(reader: SoundReader, path: str, seconds: float) -> FloatArray:
    """Return the next samples, shape ``(n, channels)``; ``n`` is 0 at the end.

    Raises:
        SourceError: the file is damaged here, or its samples are not finite, or scaled as integers.
    """
    block = reader.read(max(1, round(seconds * reader.sample_rate)))
    peak = peak_of(block)
    if fault_of(peak) is None:
        return block
    seconds_left = _PEAK_SECONDS
    while seconds_left > 0 and block.shape[0] and np.isfinite(peak):
        block = reader.read(reader.sample_rate)
        peak = float(np.maximum(peak, peak_of(block)))
        seconds_left -= 1
    fault = fault_of(peak)
    assert fault is not None
    raise SourceError(f"{path}: {fault.problem}", fault.remedy)


def read_sound_file(path: str) -> tuple[FloatArray, int]:
    """Return all samples of a file, shape ``(n, channels)``, and its sample rate in Hz.

    Raises:
        SourceError: the file cannot be opened, is damaged, or its samples are not finite, or
            scaled as integers.
    """
    reader = open_sound_file(path)
    try:
        blocks = [read_block(reader, path, _BLOCK_SECONDS)]
        while blocks[-1].shape[0]:
            blocks.append(read_block(reader, path, _BLOCK_SECONDS))
    finally:
        reader.close()
    return np.concatenate(blocks), reader.sample_rate


def _open(path: str, content: BinaryIO | None) -> SoundReader:
    """Open a file by the first reader that knows its format."""
    refusals: list[SourceError] = []
    for open_reader in kinds.READERS:
        if content is not None:
            content.seek(0)
        try:
            return open_reader(path, content)
        except SourceError as error:
            refusals.append(error)
    known = (error for error in refusals if not isinstance(error, UnknownFormatError))
    raise next(known, refusals[0])


def _fault(reader: SoundReader) -> str | None:
    if not LOWEST_RATE <= reader.sample_rate <= HIGHEST_RATE:
        return (
            f"its sample rate of {reader.sample_rate} Hz does not lie between {LOWEST_RATE} and "
            f"{HIGHEST_RATE} Hz"
        )
    if reader.channels > MOST_CHANNELS:
        return f"it has {reader.channels} channels, more than {MOST_CHANNELS}"
    return None
