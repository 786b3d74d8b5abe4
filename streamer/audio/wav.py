"""Sound files that can be read whatever ends the program that writes them."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np

from emotiond.dsp.types import FloatArray
from emotiond.inference.card import SAMPLE_RATE

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_SAMPLE_BYTES = 2
_MOST_BYTES = 2**32 - 2**20
"""What the header can tell, less some: about 37 hours."""


def create(path: Path) -> int:
    """A descriptor of a new file that nobody else may read: it holds somebody's voice.

    Raises:
        FileExistsError: there is one of that name.
        OSError: it cannot be created.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.open(path, flags, 0o600)


class WavWriter:
    """16-bit mono PCM at 16 kHz; the header counts the samples that are in the file by then.

    What was written survives the end of the program, but not a power cut: when it reaches the
    disk is up to the system.

    Args:
        path: of the new file.

    Raises:
        OSError: it cannot be created.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.fdopen(create(path), "wb", buffering=0)
        self._bytes = 0
        self._write_header()

    @property
    def seconds(self) -> float:
        """Of sound in the file."""
        return self._bytes / _SAMPLE_BYTES / SAMPLE_RATE

    @property
    def is_full(self) -> bool:
        """Whether the header could soon not tell the length any more."""
        return self._bytes > _MOST_BYTES

    def append(self, samples: FloatArray) -> None:
        """Write samples in −1 … 1, shape ``(n,)``, and then how many there are.

        Raises:
            OSError: they cannot be written; what was written before can still be read.
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
    """Write all of it, though a file that is nearly full takes it in pieces.

    Raises:
        OSError: it cannot be written.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
