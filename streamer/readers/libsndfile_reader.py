"""Reads WAV, FLAC, OGG, Opus, MP3 and whatever else libsndfile knows. It may crash."""

from __future__ import annotations

import functools
import io
import sys
from typing import Any, BinaryIO

import numpy as np

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError
from emotiond.streamer.readers.conforming import Conforming
from emotiond.streamer.readers.opening import open_to_read, unreadable
from emotiond.streamer.readers.piece import Piece, PieceFile
from emotiond.streamer.readers.pieces import pieces_of
from emotiond.streamer.readers.reader import UnknownFormatError

_STEP_FRAMES = 1000
"""libsndfile gives nothing of a step in which it finds damage, or the end of a file that is cut."""
_PLAIN = ("WAV", "WAVEX", "RF64")
"""Of PCM in these, it gives all that is there."""


class LibsndfileReader:
    """Reads all pieces of a file through libsndfile. See :class:`SoundReader`.

    Args:
        path: the path, or a name for messages if there is content.
        content: a file without a path; it stays open.

    Raises:
        SourceError: the file is not audio.
    """

    def __init__(self, path: str, content: BinaryIO | None) -> None:
        self._path = path
        self._is_owner = content is None
        self._bytes = open_to_read(path) if content is None else content
        self._sound: Any = None
        try:
            self._bytes.seek(0, io.SEEK_END)
            size = self._bytes.tell()
            _refuse_ogg_flac(path, self._bytes)
            self._pieces = iter(pieces_of(self._bytes, size))
            self._sound = self._open(next(self._pieces))
        except BaseException:
            self.close()
            raise
        self.sample_rate: int = self._sound.samplerate
        self.channels: int = self._sound.channels
        self._conform = self._conforming()

    def read(self, frames: int) -> FloatArray:
        """Return the next samples.

        Raises:
            SourceError: the file is damaged here.
        """
        while self._sound is not None:
            samples = self._conform.push(self._read(frames))
            if samples.shape[0]:
                return samples
            samples = self._conform.rest()
            self._next()
            if samples.shape[0]:
                return samples
        return np.empty((0, self.channels), np.float32)

    def close(self) -> None:
        """Close the file."""
        if self._sound is not None:
            self._sound.close()
        if self._is_owner:
            self._bytes.close()

    def _conforming(self) -> Conforming:
        return Conforming(
            self.sample_rate, self.channels, self._sound.samplerate, self._sound.channels
        )

    def _next(self) -> None:
        """Go on with the next piece, if there is one."""
        self._sound.close()
        self._sound = None
        piece = next(self._pieces, None)
        if piece is not None:
            self._sound = self._open(piece)
            self._conform = self._conforming()

    def _open(self, piece: Piece) -> Any:
        self._counted, self._read_frames, self._is_over = piece.counted, 0, False
        # Never by its name: libsndfile would believe the suffix.
        self._file = PieceFile(self._bytes, piece)
        try:
            sound = _sound_file_class()(self._file)
            sound.read(piece.skipped)
            is_plain = sound.format in _PLAIN and sound.subtype.startswith("PCM_")
            self._step_frames = sys.maxsize if is_plain else _STEP_FRAMES
            return sound
        except (OSError, RuntimeError) as error:
            if self._file.failure is not None:
                raise unreadable(self._path, self._file.failure) from None
            reason = getattr(error, "error_string", None) or error
            raise UnknownFormatError(
                f"{self._path}: not a sound file that can be read ({str(reason).rstrip('. ')})",
                "Convert it to WAV, FLAC, OGG, Opus or MP3, for instance: ffmpeg -i FILE out.wav",
            ) from None

    def _read(self, frames: int) -> FloatArray:
        """Return the next samples of the piece, up to where it ends or is cut off."""
        samples = np.empty((frames, self._sound.channels), np.float32)
        count = 0
        while count < frames and not self._is_over:
            step = self._read_into(samples[count : count + self._step_frames])
            self._is_over = not step
            self._read_frames += step
            count += step
        return samples[:count]

    def _read_into(self, samples: FloatArray) -> int:
        """Read the next samples into an array. Returns how many there were of each channel."""
        left = self._counted - self._read_frames
        count = 0
        try:
            # ``read`` takes twice as long, for its own look at the array.
            count = self._sound.buffer_read_into(samples[:left] if left > 0 else samples, "float32")
        except (OSError, RuntimeError) as error:
            is_end = self._file.is_at_end or (self._counted and left <= 0)
            if self._file.failure is None and not is_end:
                raise SourceError(
                    f"{self._path}: it is damaged ({error})", "Convert it again"
                ) from None
        if self._file.failure is not None:
            raise unreadable(self._path, self._file.failure)
        return count


def _refuse_ogg_flac(path: str, file: BinaryIO) -> None:
    file.seek(0)
    head = file.read(64)
    if head.startswith(b"OggS") and b"\x7fFLAC" in head:
        raise SourceError(
            f"{path}: it is FLAC inside Ogg, which is not read",
            "Take it out without loss: ffmpeg -i FILE -c copy out.flac",
        )


@functools.cache
def _sound_file_class() -> Any:
    """Return a sound file class that reads forward only.

    soundfile seeks after every read of a seekable file. That restarts the decoder of an MP3, whose
    frames depend on those before: the samples behind each joint of two blocks are wrong, and
    libmpg123 complains on standard error. Seen with soundfile 0.12.1, 0.13.1 and 0.14.0 alike; a
    test shows whether it is still so.
    """
    try:
        import soundfile
    except OSError as error:  # on 32-bit ARM the library is the system's
        raise SourceError(
            f"libsndfile cannot be loaded ({error})",
            "Install it: sudo apt-get install libsndfile1",
        ) from None

    class UnseekableSoundFile(soundfile.SoundFile):  # type: ignore[misc]  # untyped
        def seekable(self) -> bool:
            return False

    return UnseekableSoundFile
