"""Finds the links of a chained Ogg file: recordings one after the other, with a header each."""

from __future__ import annotations

from typing import BinaryIO

from emotiond.streamer.readers.piece import Piece

_HEAD_BYTES = 27
_FIRST_PAGE = 2  # a flag of the page's type


def pieces(file: BinaryIO, start: int, size: int) -> list[Piece] | None:
    """Return the links of an Ogg file that begins here; None if none does."""
    starts, position, are_first = [], start, False
    while position + _HEAD_BYTES <= size:
        file.seek(position)
        head = file.read(_HEAD_BYTES)
        if head[:4] != b"OggS":
            break
        is_first = bool(head[5] & _FIRST_PAGE)
        if is_first and not are_first:  # several streams side by side begin together
            starts.append(position)
        are_first = is_first
        lengths = file.read(head[26])
        position += _HEAD_BYTES + len(lengths) + sum(lengths)
    if not starts or starts[0] != start:
        return None
    return [Piece(*ends) for ends in zip(starts, [*starts[1:], size], strict=True)]
