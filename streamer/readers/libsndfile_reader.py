"""Reads WAV, FLAC, OGG, Opus, MP3 and whatever else libsndfile knows. It may crash."""

from __future__ import annotations

import functools
import io
import os
from typing import Any

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError


class LibsndfileReader:
    """Reads one file through libsndfile. See :class:`SoundReader`.

    Args:
        path: the path, or a name for messages if there is content.
        content: the content of a file that has no path.

    Raises:
        SourceError: the file is not audio.
    """

    def __init__(self, path: str, content: bytes | None) -> None:
        self._path = path
        sound_file = _sound_file_class()
        # As bytes, because a name need not be text.
        file: Any = os.fsencode(path) if os.name == "posix" else path
        try:
            self._file = sound_file(file if content is None else io.BytesIO(content))
        except (OSError, RuntimeError, TypeError) as error:
            # TypeError: the suffix is .raw. soundfile does not examine such a file.
            reason = (
                getattr(error, "error_string", None) or getattr(error, "strerror", None) or error
            )
            raise SourceError(
                f"{path}: not a sound file that can be read ({str(reason).rstrip('. ')})",
                "Convert it to WAV, FLAC, OGG, Opus or MP3, for instance: ffmpeg -i FILE out.wav",
            ) from None
        self.sample_rate: int = self._file.samplerate
        self.channels: int = self._file.channels

    def read(self, frames: int) -> FloatArray:
        """Return the next samples.

        Raises:
            SourceError: the file is damaged here.
        """
        try:
            samples: FloatArray = self._file.read(frames, "float32", True)
        except (OSError, RuntimeError) as error:
            raise SourceError(
                f"{self._path}: it is damaged ({error})", "Convert it again"
            ) from None
        return samples

    def close(self) -> None:
        """Close the file."""
        self._file.close()


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
