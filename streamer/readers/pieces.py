"""Divides sound files into pieces with true headers.

Neither a count of samples is believed, nor that a file holds one recording alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import BinaryIO

from emotiond.streamer.readers import headers, mpeg, ogg, riff
from emotiond.streamer.readers.piece import Piece

_CONTAINERS: tuple[Callable[[BinaryIO, int, int], list[Piece] | None], ...] = (
    riff.pieces,
    ogg.pieces,
    headers.flac_pieces,
    headers.aiff_pieces,
    headers.au_pieces,
    headers.caf_pieces,
    mpeg.pieces,
)


def pieces_of(file: BinaryIO, size: int) -> Sequence[Piece]:
    """Return the pieces of a file, in their order. One of an unknown kind is one piece.

    Args:
        file: it can be sought in.
        size: of the file, in bytes.
    """
    for container in _CONTAINERS:
        found = container(file, 0, size)
        if found is not None:
            return found
    return [Piece(0, size)]
