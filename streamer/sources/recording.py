"""A sound file, at the speed of life or as fast as the pipeline goes."""

from __future__ import annotations

import functools
import math
import threading
import time
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from dsp.types import FloatArray
from inference.exceptions import SourceError
from streamer.faults import cause_of
from streamer.ring import Ring
from streamer.sources import About, OnStatus

_BLOCK_SECONDS = 0.02
_READ_SECONDS = 0.5  # at a time: a read costs much, its length little
_LOWEST_RATE, _HIGHEST_RATE = 1_000, 384_000
_MOST_CHANNELS = 64
_LARGEST_SAMPLE = 1e6  # floats may be off scale, of 16 bits for instance, but not off the charts


class SoundReader(Protocol):
    """What this module needs of ``soundfile.SoundFile``."""

    samplerate: int
    channels: int

    def read(self, frames: int, dtype: str, always_2d: bool) -> FloatArray: ...
    def close(self) -> None: ...


@functools.cache
def _sound_file_class() -> Any:
    """A sound file that is read on and on.

    Where a file can be sought in, soundfile seeks after every read, and that makes an MP3's
    decoder start afresh: read in blocks, half the sound is gone.
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


def open_recording(path: str) -> SoundReader:
    """Open a sound file; its format is recognised by its content.

    Raises:
        SourceError: it is missing, not sound, empty, or of an impossible shape.
    """
    if not path_exists(path):
        raise SourceError(f"{path}: there is no such file", "Check the path")
    if Path(path).is_dir():
        raise SourceError(f"{path}: this is a folder", "Name the files in it")
    reader = _open(path)
    fault = _fault(reader)
    if fault:
        reader.close()
        raise SourceError(f"{path}: {fault}", "Convert it to mono at 16 kHz or more")
    try:
        first = reader.read(1, "float32", True)
    except (OSError, RuntimeError) as error:
        raise SourceError(f"{path}: it is damaged ({error})", "Convert it again") from None
    finally:
        reader.close()
    if not first.shape[0]:
        raise SourceError(f"{path}: it holds no sound (0 seconds)", "Record it again")
    return _open(path)  # from the beginning: some formats, GSM among them, cannot go back


def _open(path: str) -> SoundReader:
    sound_file = _sound_file_class()
    try:
        reader: SoundReader = sound_file(path)
    except (OSError, RuntimeError, TypeError) as error:
        # TypeError: a suffix .raw, whose content soundfile does not look at.
        reason = getattr(error, "error_string", None) or getattr(error, "strerror", None) or error
        raise SourceError(
            f"{path}: not a sound file that can be read ({str(reason).rstrip('. ')})",
            "Convert it to WAV, FLAC, OGG, Opus or MP3, for instance: ffmpeg -i FILE out.wav",
        ) from None
    return reader


def path_exists(path: str) -> bool:
    """Whether there is such a file; no text is too long or too strange to ask."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def read_block(reader: SoundReader, path: str, seconds: float) -> FloatArray:
    """The next samples, shape ``(n, channels)``; ``n`` is 0 at the end.

    Raises:
        SourceError: the file is damaged here, or holds samples that are not numbers.
    """
    try:
        block = reader.read(max(1, round(seconds * reader.samplerate)), "float32", True)
    except (OSError, RuntimeError) as error:
        raise SourceError(f"{path}: it is damaged ({error})", "Convert it again") from None
    if not np.abs(block).max(initial=0) <= _LARGEST_SAMPLE:  # which no NaN is, either
        raise SourceError(
            f"{path}: it holds samples that are not finite numbers, or absurdly large",
            "Export it again, as 16-bit PCM for instance",
        )
    return block


def _fault(reader: SoundReader) -> str | None:
    if not _LOWEST_RATE <= reader.samplerate <= _HIGHEST_RATE:
        return f"its sample rate of {reader.samplerate} Hz is not one of sound"
    if reader.channels > _MOST_CHANNELS:
        return f"it has {reader.channels} channels, more than {_MOST_CHANNELS}"
    return None


class Recording:
    """Plays a sound file into the ring.

    Args:
        path: of the file.
        realtime: whether each sample comes when it is due; otherwise as soon as there is room.
        loop: whether to begin again at the end; the seam is a cut.
        about: what it says of itself.

    Raises:
        SourceError: the file cannot be read.
    """

    def __init__(self, path: str, realtime: bool, loop: bool, about: About | None = None) -> None:
        self._path = path
        self._realtime = realtime
        self._loop = loop
        self._reader = open_recording(path)
        self._stop = threading.Event()
        self.sample_rate = self._reader.samplerate
        self.channels = self._reader.channels
        self.about = about or About()
        self.failure: str | None = None

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        """Begin to play."""
        threading.Thread(
            target=self._run, args=(ring,), name="emotiond-recording", daemon=True
        ).start()

    def stop(self) -> None:
        """End within a block."""
        self._stop.set()

    def _run(self, ring: Ring) -> None:
        try:
            self._play(ring)
        except Exception as error:  # whatever it is, the stream ends with its cause
            self.failure = cause_of(error)
        finally:
            self._reader.close()
            ring.end()

    def _play(self, ring: Ring) -> None:
        started, played = time.monotonic(), 0
        while not self._stop.is_set():
            piece = read_block(self._reader, self._path, _READ_SECONDS)
            if not piece.shape[0]:
                if not self._loop:
                    return
                self._rewind()
                ring.cut()
            while piece.shape[0]:
                count = self._block_samples(ring)
                block, piece = piece[:count], piece[count:]
                played += block.shape[0]
                due = started + played / self.sample_rate
                if self._realtime:
                    self._stop.wait(due - time.monotonic())
                elif not ring.wait_for_room(block.shape[0], self._stop):
                    return
                if self._stop.is_set():
                    return
                ring.write(block, due)

    def _block_samples(self, ring: Ring) -> int:
        """How many to write at once: live, all that the pipeline waits for, to be woken once."""
        shortest = max(1, round(_BLOCK_SECONDS * self.sample_rate))
        awaited = ring.awaited_samples
        if not self._realtime or awaited == math.inf:
            return shortest
        return max(shortest, int(awaited))

    def _rewind(self) -> None:
        self._reader.close()
        self._reader = open_recording(self._path)
