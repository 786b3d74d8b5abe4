"""Finds all sound of WAV files whose header says less than is there, or that are joined."""

from __future__ import annotations

import struct
from typing import BinaryIO

from emotiond.streamer.readers.piece import Piece

_FORMS = (b"RIFF", b"RF64")
_UNKNOWN = b"\xff\xff\xff\xff"  # a size that every reader takes for "to the end"
_TAG_BYTES = 128  # ID3v1, behind the sound

WAV = struct.pack(
    "<4sI4s4sIHHIIHH4sI4x",
    *(b"RIFF", 40, b"WAVE"),
    *(b"fmt ", 16, 1, 1, 16_000, 32_000, 2, 16),
    *(b"data", 4),
)
"""Two samples of 16-bit mono PCM."""


def pieces(file: BinaryIO, start: int, size: int) -> list[Piece] | None:
    """Return the pieces of a WAV or RF64 file that begins here; None if none does.

    A recorder that was killed leaves a size of 0, or one of a moment ago. So what follows the sound
    has to be chunks up to the end of the file. Anything else is sound, too.
    """
    file.seek(start)
    form = file.read(12)
    if form[:4] not in _FORMS or form[8:] != b"WAVE":
        return None
    position, ds64 = start + 12, None
    while position + 8 <= size:
        name, count = _chunk(file, position)
        if name == b"ds64":
            ds64 = position + 8
        if name == b"data":
            break
        position += 8 + count + count % 2
    else:
        return [Piece(start, size)]
    counted = position + 4
    if form[:4] == b"RF64" and ds64 is not None and count == int.from_bytes(_UNKNOWN, "little"):
        counted = ds64 + 8
        file.seek(counted)
        count = int.from_bytes(file.read(8), "little")
    end = position + 8 + count
    if end >= size or _is_chunks(file, end, size) or _is_chunks(file, end + count % 2, size):
        return [Piece(start, size)]
    for following in dict.fromkeys((end, end + count % 2)):
        if count and (more := pieces(file, following, size)) is not None:
            return [Piece(start, following), *more]
    patches = {start + 4: _UNKNOWN, position + 4: _UNKNOWN}
    if counted != position + 4:
        patches[counted] = (size - position - 8).to_bytes(8, "little")
    return [Piece(start, size, patches=patches)]


def _chunk(file: BinaryIO, position: int) -> tuple[bytes, int]:
    file.seek(position)
    return file.read(4), int.from_bytes(file.read(4), "little")


def _is_chunks(file: BinaryIO, position: int, size: int) -> bool:
    """Return whether nothing but chunks, a tag or an odd byte follows here."""
    while size - position > 1:
        name, count = _chunk(file, position)
        if name[:3] == b"TAG" and size - position == _TAG_BYTES:
            return True
        if name in _FORMS or not all(0x20 <= byte < 0x7F for byte in name) or len(name) < 4:
            return False
        position += 8 + count + count % 2
        if position > size + 1:
            return False
    return True
