"""Finds all frames of MP3 files, and counts them.

What says how many there are is missing (then libsndfile guesses from the first frames), or was
written before more came behind, or belongs to the first of several files that were joined.
"""

from __future__ import annotations

import functools
from typing import BinaryIO, NamedTuple

from emotiond.streamer.readers.piece import Piece

_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_KBITS = {
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Of layer 3 by the bits of the header from 1 on, for MPEG 1 and for the others."""
_FEWEST_FRAMES = 3  # in a row, for what may be frames by chance
_READ_BYTES = 2**20
_ID3_BYTES = 10
_MONO = 3
_VBRI = 36  # where this mark stands in a frame
_LOOK_BYTES = 64  # of a frame, up to a count of frames


class _Kind(NamedTuple):
    """What all frames of a piece have in common."""

    version: int
    rate: int
    is_mono: bool

    @property
    def side_bytes(self) -> int:
        """Bytes between the header of a frame and a count of frames."""
        if self.version == 3:  # MPEG 1
            return 17 if self.is_mono else 32
        return 9 if self.is_mono else 17


class _Run(NamedTuple):
    """Frames in a row that belong together."""

    start: int
    stop: int
    frames: int
    counter: int | None
    """Position of the count of frames in the first frame, which is no sound then."""


def pieces(file: BinaryIO, start: int, size: int) -> list[Piece] | None:
    """Return the pieces of an MP3 file that begins here, tags included; None if none does."""
    runs = _runs(file, _behind_tags(file, start), size)
    if not runs:
        return None
    (first, *more) = runs
    if not more and first.counter is not None:
        file.seek(first.counter)
        counted = int.from_bytes(file.read(4), "big")
        if counted in (first.frames - 1, first.frames):  # some count the frame of the count, too
            return [Piece(start, size)]
    return [_piece(file, run) for run in runs]


def _piece(file: BinaryIO, run: _Run) -> Piece:
    if run.counter is not None:
        return Piece(
            run.start, run.stop, patches={run.counter: (run.frames - 1).to_bytes(4, "big")}
        )
    file.seek(run.start)
    header = file.read(4)
    kind, _ = _parse(header) or (None, 0)
    assert kind is not None
    # The same header without a check sum, with the largest frames: there is room for the count.
    header = bytes((header[0], header[1] | 1, (header[2] & 0x0D) | 0xE0, header[3]))
    _, length = _parse(header) or (None, 0)
    frame = header + bytes(kind.side_bytes) + b"Xing" + bytes((0, 0, 0, 1))
    head = (frame + run.frames.to_bytes(4, "big")).ljust(length, b"\0")
    return Piece(run.start, run.stop, head)


def _behind_tags(file: BinaryIO, position: int) -> int:
    while True:
        file.seek(position)
        tag = file.read(_ID3_BYTES)
        if tag[:3] != b"ID3" or len(tag) < _ID3_BYTES:
            return position
        length = 0
        for byte in tag[6:]:
            length = length << 7 | byte & 0x7F
        position += _ID3_BYTES + length + (_ID3_BYTES if tag[5] & 0x10 else 0)


@functools.lru_cache(4096)
def _parse(header: bytes) -> tuple[_Kind, int] | None:
    """Return the kind and the length in bytes of a frame of layer 3; None for other bytes."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return None
    version, bits, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version not in _RATES or not 1 <= bits <= 14 or rate == 3:
        return None
    is_first = version == 3
    hertz = _RATES[version][rate]
    length = (144 if is_first else 72) * _KBITS[is_first][bits - 1] * 1000 // hertz
    return _Kind(version, hertz, header[3] >> 6 == _MONO), length + (header[2] >> 1 & 1)


class _Bytes:
    """The bytes of a file by their position, read in large blocks."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._first = 0
        self._block = b""

    def at(self, position: int, count: int) -> bytes:
        offset = position - self._first
        if offset < 0 or offset + count > len(self._block):
            self._file.seek(position)
            self._first, self._block, offset = position, self._file.read(_READ_BYTES), 0
        return self._block[offset : offset + count]

    def find_sync(self, position: int) -> int | None:
        """Return where the next byte of ones is; None if there is none."""
        while block := self.at(position, 1):
            del block
            at = self._block.find(b"\xff", position - self._first)
            if at >= 0:
                return self._first + at
            position = self._first + len(self._block)
        return None


def _runs(file: BinaryIO, position: int, size: int) -> list[_Run]:
    content, runs = _Bytes(file), []
    is_at_start = True
    while True:
        run = _run(content, position, size)
        if run is not None:
            runs.append(run)
            position, is_at_start = run.stop, False
            continue
        if is_at_start:  # it is something else: the search is for what stands between frames
            return []
        found = content.find_sync(position + 1)
        if found is None:
            return runs
        position = found


def _run(content: _Bytes, start: int, size: int) -> _Run | None:
    """Return the frames that follow each other from here on; None if that are too few."""
    first = _parse(content.at(start, 4))
    if first is None:
        return None
    kind, length = first
    counter = _counter(content.at(start, _LOOK_BYTES), kind)
    position, frames = start + length, 1
    while position < size:
        beginning = content.at(position, _LOOK_BYTES)
        following = _parse(beginning[:4])
        if following is None or following[0] != kind or _counter(beginning, kind) is not None:
            break
        position, frames = position + following[1], frames + 1
    if position > size:  # the last one is cut off
        position, frames = size, frames - 1
    if frames < _FEWEST_FRAMES:
        return None
    return _Run(start, position, frames, None if counter is None else start + counter)


def _counter(frame: bytes, kind: _Kind) -> int | None:
    """Return where in a frame a count of frames stands, as in the first one of most files."""
    mark = frame[4 + kind.side_bytes : 12 + kind.side_bytes]
    if mark[:4] in (b"Xing", b"Info") and mark[-1] & 1:
        return 12 + kind.side_bytes
    return _VBRI + 14 if frame[_VBRI : _VBRI + 4] == b"VBRI" else None
