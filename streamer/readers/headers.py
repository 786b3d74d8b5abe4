"""Finds all sound of FLAC, AU, AIFF and CAF files whose header says less than is there."""

from __future__ import annotations

from typing import BinaryIO

from emotiond.streamer.readers.piece import Piece

_FLAC = (b"fLaC\x00\x00\x00\x22", b"fLaC\x80\x00\x00\x22")
_FLAC_TOTAL = 21  # position of the count of samples: 36 bits, of which four share a byte
_SEARCHED_BYTES = 2**20


def flac_pieces(file: BinaryIO, start: int, size: int) -> list[Piece] | None:
    """Return the FLAC streams that are joined from here on; None if none begins here.

    The count of samples is taken out: without one, libsndfile reads to the end.
    """
    file.seek(start)
    if file.read(len(_FLAC[0])) not in _FLAC:
        return None
    starts = [start, *_found(file, start + 1, size)]
    found = []
    for first, stop in zip(starts, [*starts[1:], size], strict=True):
        file.seek(first + _FLAC_TOTAL)
        total = file.read(5)
        unknown = bytes((total[0] & 0xF0, 0, 0, 0, 0)) if total else b""
        counted = int.from_bytes(total, "big") % 2**36
        found.append(Piece(first, stop, b"", {first + _FLAC_TOTAL: unknown}, counted))
    return found


def _found(file: BinaryIO, position: int, size: int) -> list[int]:
    """Return where further streams begin. Their first 8 bytes occur nowhere else."""
    found = []
    while position < size:
        file.seek(position)
        block = file.read(_SEARCHED_BYTES + len(_FLAC[0]) - 1)
        for mark in _FLAC:
            at = block.find(mark)
            while at >= 0:
                found.append(position + at)
                at = block.find(mark, at + 1)
        position += _SEARCHED_BYTES
    return sorted(found)


def au_pieces(file: BinaryIO, start: int, size: int) -> list[Piece] | None:
    """Return an AU file that begins here, without its count of bytes; None if none does."""
    file.seek(start)
    head = file.read(12)
    if head[:4] == b".snd":
        return [Piece(start, size, patches={start + 8: b"\xff\xff\xff\xff"})]
    if head[:4] == b"dns.":
        return [Piece(start, size, patches={start + 8: b"\xff\xff\xff\xff"})]
    return None


def aiff_pieces(file: BinaryIO, start: int, size: int) -> list[Piece] | None:
    """Return an AIFF file that begins here, with its true counts; None if none does."""
    file.seek(start)
    form = file.read(12)
    if form[:4] != b"FORM" or form[8:] not in (b"AIFF", b"AIFC"):
        return None
    position, form_end = start + 12, start + 8 + int.from_bytes(form[4:8], "big")
    if form_end < size and (more := aiff_pieces(file, form_end, size)) is not None:
        return [Piece(start, form_end), *more]
    while position + 8 <= size:
        file.seek(position)
        name, count = file.read(4), int.from_bytes(file.read(4), "big")
        end = position + 8 + count
        if name == b"SSND" and end + count % 2 < size and not _is_chunk(file, end, size):
            return [Piece(start, size, patches={position + 4: bytes(4)})]  # up to the end
        position = end + count % 2
    return [Piece(start, size)]


def _is_chunk(file: BinaryIO, position: int, size: int) -> bool:
    file.seek(position)
    position += position % 2
    file.seek(position)
    name, count = file.read(4), int.from_bytes(file.read(4), "big")
    return name.isalnum() and position + 8 + count <= size + 1


def caf_pieces(file: BinaryIO, start: int, size: int) -> list[Piece] | None:
    """Return a CAF file that begins here, with its true count of bytes; None if none does."""
    file.seek(start)
    if file.read(4) != b"caff":
        return None
    position = start + 8
    while position + 12 <= size:
        file.seek(position)
        name, count = file.read(4), int.from_bytes(file.read(8), "big", signed=True)
        there = size - position - 12
        if (
            name == b"data"
            and count < there
            and not _is_caf_chunk(file, position + 12 + count, size)
        ):
            return [Piece(start, size, patches={position + 4: there.to_bytes(8, "big")})]
        if count < 0:
            break
        position += 12 + count
    return [Piece(start, size)]


def _is_caf_chunk(file: BinaryIO, position: int, size: int) -> bool:
    file.seek(position)
    name, count = file.read(4), int.from_bytes(file.read(8), "big", signed=True)
    return name.isalnum() and 0 <= count <= size - position - 12
