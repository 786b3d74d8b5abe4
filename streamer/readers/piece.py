"""A piece of a file that libsndfile reads as a file of its own, with a header that is true."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO


@dataclass(frozen=True)
class Piece:
    """The bytes from ``start`` up to ``stop``, behind ``head``."""

    start: int
    stop: int
    head: bytes = b""
    """What stands before them, and not in the file."""
    patches: Mapping[int, bytes] = field(default_factory=dict)
    """By position in the file, bytes that stand for those that are there."""
    counted: int = 0
    """Samples that the file counts. What is no sound behind them is not damage."""
    skipped: int = 0
    """Samples of ``head``, which are left out."""


class PieceFile(io.RawIOBase):
    """A piece as a file to be read. The file that it is of stays open, and is not shared.

    An error of the system ends it: who reads through a C library looks at ``failure`` afterwards.
    """

    def __init__(self, file: BinaryIO, piece: Piece) -> None:
        self._file = file
        self._piece = piece
        self._size = len(piece.head) + piece.stop - piece.start
        self._position = 0
        self.failure: OSError | None = None

    @property
    def is_at_end(self) -> bool:
        """Whether all bytes are read."""
        return self._position >= self._size

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move the position."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def readinto(self, buffer: object, /) -> int:
        """Read bytes into a buffer; 0 at the end."""
        view = memoryview(buffer)  # type: ignore[arg-type]  # whatever Python calls a buffer
        count = max(0, min(len(view), self._size - self._position))
        data = self._piece.head[self._position : self._position + count]
        if len(data) < count:
            first = self._piece.start + self._position + len(data) - len(self._piece.head)
            try:
                self._file.seek(first)
                data += self._patched(self._file.read(count - len(data)), first)
            except OSError as error:
                self.failure = error
                return 0
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _patched(self, data: bytes, first: int) -> bytes:
        """Return bytes of the file, which begin at this position, with what stands for them."""
        for position, patch in self._piece.patches.items():
            start, stop = max(position, first), min(position + len(patch), first + len(data))
            if start < stop:
                inside = patch[start - position : stop - position]
                data = data[: start - first] + inside + data[stop - first :]
        return data
