"""Writes WAV files that stay readable however the writing program ends."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from pathlib import Path

import numpy as np

from emotiond.dsp.types import FloatArray
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.private_files import create_private

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_SAMPLE_BYTES = 2
_MOST_BYTES = 2**32 - 2**20
"""Slightly less than the header can count: about 37 hours."""


class WavWriter:
    """Writes 16-bit mono PCM at 16 kHz, for its owner alone. The header always counts the samples.

    Written samples survive the end of the program, but not a power cut: the system decides when
    they reach the disk.

    Args:
        path: the new file.

    Raises:
        OSError: the file cannot be created.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.fdopen(create_private(path), "wb", buffering=0)
        self._bytes = 0
        self._write_header()

    @property
    def seconds(self) -> float:
        """Duration of the audio in the file."""
        return self._bytes / _SAMPLE_BYTES / SAMPLE_RATE

    @property
    def is_full(self) -> bool:
        """Whether the header has nearly reached the length that it can count."""
        return self._bytes > _MOST_BYTES

    @property
    def size_bytes(self) -> int:
        """Of the file."""
        return _HEADER.size + self._bytes

    def lock(self) -> None:
        """Let other programs know, until it is closed, that this file is being written.

        The lock is advisory, and there is none on Windows, nor on a file system without locks.
        """
        if sys.platform != "win32":
            import fcntl

            with contextlib.suppress(OSError):
                fcntl.flock(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)

    def append(self, samples: FloatArray) -> None:
        """Write samples from −1 to 1, shape ``(n,)``, and then the new length.

        Raises:
            OSError: they cannot be written. Earlier samples stay readable.
        """
        integers = np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2")
        self._file.seek(_HEADER.size + self._bytes)
        write_all(self._file.fileno(), integers.tobytes())
        self._bytes += _SAMPLE_BYTES * integers.shape[0]
        self._write_header()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write_header(self) -> None:
        rate, sample = SAMPLE_RATE, _SAMPLE_BYTES
        form = (b"fmt ", 16, 1, 1, rate, rate * sample, sample, 8 * sample)
        riff = (b"RIFF", _HEADER.size - 8 + self._bytes, b"WAVE")
        self._file.seek(0)
        write_all(self._file.fileno(), _HEADER.pack(*riff, *form, b"data", self._bytes))


def write_all(descriptor: int, data: bytes | bytearray) -> None:
    """Write all data. A nearly full disk may take it in pieces.

    Raises:
        OSError: the data cannot be written.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
