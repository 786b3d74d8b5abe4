"""Reads sound files through libsndfile, within limits. It may crash: see decoder.py."""

from __future__ import annotations

import functools
import io
import os
from pathlib import Path
from typing import Any, Protocol

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError
from emotiond.streamer.audio.samples import are_plausible

MOST_SECONDS = 24 * 3600
LOWEST_RATE, HIGHEST_RATE = 1_000, 384_000
MOST_CHANNELS = 64
_MOST_BYTES = 32_000_000_000  # a day at 96 kHz, in stereo and 16 bits


class SoundReader(Protocol):
    """The part of ``soundfile.SoundFile`` that this module uses."""

    samplerate: int
    channels: int

    def read(self, frames: int, dtype: str, always_2d: bool) -> FloatArray: ...
    def close(self) -> None: ...


def open_sound_file(path: str, content: bytes | None = None) -> SoundReader:
    """Open a sound file. Its content determines the format.

    Args:
        path: the path, or a name for messages if there is content.
        content: the content of a file that has no path.

    Raises:
        SourceError: the file is missing, not audio, empty, too large, or of an impossible shape.
    """
    if content is None:
        _check_file(path)
    reader = _open(path, content)
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
    return _open(path, content)  # once more: some formats, GSM among them, cannot seek to the start


def _check_file(path: str) -> None:
    if not path_exists(path):
        raise SourceError(f"{path}: there is no such file", "Check the path")
    if Path(path).is_dir():
        raise SourceError(f"{path}: this is a folder", "Name the files in it")
    if Path(path).stat().st_size > _MOST_BYTES:
        raise SourceError(f"{path}: it is larger than {_MOST_BYTES / 1e9:g} GB", "Cut it up")


def path_exists(path: str) -> bool:
    """Return whether the file exists. Any text is allowed, however long or strange."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def read_block(reader: SoundReader, path: str, seconds: float) -> FloatArray:
    """Return the next samples, shape ``(n, channels)``; ``n`` is 0 at the end.

    Raises:
        SourceError: the file is damaged here, or holds samples that are not finite.
    """
    try:
        block = reader.read(max(1, round(seconds * reader.samplerate)), "float32", True)
    except (OSError, RuntimeError) as error:
        raise SourceError(f"{path}: it is damaged ({error})", "Convert it again") from None
    if not are_plausible(block):
        raise SourceError(
            f"{path}: it holds samples that are not finite numbers, or absurdly large",
            "Export it again, as 16-bit PCM for instance",
        )
    return block


@functools.cache
def _sound_file_class() -> Any:
    """Return a sound file class that reads forward only.

    soundfile seeks after every read of a seekable file. That restarts the decoder of an MP3,
    and half of the audio is lost when it is read in blocks.
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


def _open(path: str, content: bytes | None) -> SoundReader:
    sound_file = _sound_file_class()
    # As bytes, because a name need not be text.
    file: Any = os.fsencode(path) if os.name == "posix" else path
    try:
        reader: SoundReader = sound_file(file if content is None else io.BytesIO(content))
    except (OSError, RuntimeError, TypeError) as error:
        # TypeError: the suffix is .raw, for which soundfile does not examine the content.
        reason = getattr(error, "error_string", None) or getattr(error, "strerror", None) or error
        raise SourceError(
            f"{path}: not a sound file that can be read ({str(reason).rstrip('. ')})",
            "Convert it to WAV, FLAC, OGG, Opus or MP3, for instance: ffmpeg -i FILE out.wav",
        ) from None
    return reader


def _fault(reader: SoundReader) -> str | None:
    if not LOWEST_RATE <= reader.samplerate <= HIGHEST_RATE:
        return f"its sample rate of {reader.samplerate} Hz is not one of sound"
    if reader.channels > MOST_CHANNELS:
        return f"it has {reader.channels} channels, more than {MOST_CHANNELS}"
    return None
