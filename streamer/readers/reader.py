"""The protocol that every reader of sound files fulfils."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Protocol, TypeAlias

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError


class UnknownFormatError(SourceError):
    """The content is of no format that this reader knows. Another one may know it."""


class SoundReader(Protocol):
    """An open sound file, which is read forward only."""

    sample_rate: int
    """Hz."""
    channels: int

    def read(self, frames: int) -> FloatArray:
        """Return the next samples from -1 to 1, shape ``(n, channels)``; ``n`` is 0 at the end.

        Raises:
            SourceError: the file is damaged here.
        """

    def close(self) -> None:
        """Close the file."""


OpenReader: TypeAlias = "Callable[[str, BinaryIO | None], SoundReader]"
"""Opens a file of a format that the reader knows by its content.

It takes the path, or a name for messages if there is content, and the content: a file without a
path, in which it can seek, and which it does not close. It raises :class:`UnknownFormatError` for
any other content, and :class:`SourceError` for its own format where that cannot be read.
"""
