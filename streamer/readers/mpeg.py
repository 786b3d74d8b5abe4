"""Finds all frames of MP3 files, and counts them; of layers 1 and 2 (MP2), too.

What says how many there are is missing (then libsndfile guesses from the first frames), or was
written before more came behind, or belongs to the first of several files that were joined.
"""

from __future__ import annotations

import functools
from typing import BinaryIO, NamedTuple

from emotiond.streamer.readers.piece import Piece

_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_KBITS = {
    (3, 1): tuple(range(32, 449, 32)),
    (3, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (3, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""By version (MPEG 1, and the others) and layer: by the bits of the header from 1 on."""
_SAMPLES = {1: 384, 2: 1152}
"""Of a frame, by layer."""
_FEWEST_FRAMES = 3  # in a row, for what may be frames by chance
_READ_BYTES = 2**20
_ID3_BYTES = 10
_MONO = 3
_VBRI = 36  # where this mark stands in a frame
_LOOK_BYTES = 64  # of a frame, up to a count of frames


class _Kind(NamedTuple):
    """What all frames of a piece have in common."""

    version: int
    layer: int
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
    is_constant: bool
    """Whether all frames have one bit rate."""
    counter: int | None
    """Position of the count of frames in the first frame, which is no sound then."""


def pieces(file: BinaryIO, start: int, size: int) -> list[Piece] | None:
    """Return the pieces of an MP3 or MP2 file that begins here, with tags; None if none does."""
    runs = _runs(file, _behind_tags(file, start), size)
    if not runs:
        return None
    (first, *more) = runs
    kind, _ = _at(file, first.start)
    if not more and kind.layer < 3 and first.is_constant:  # what libsndfile guesses is right then
        return [Piece(start, size)]
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
    kind, header = _at(file, run.start)
    if kind.layer < 3:
        # With the smallest frame as the first one, libsndfile guesses too many, and reads them all.
        header = bytes((header[0], header[1] | 1, 0x10 | (header[2] & 0x0C), header[3]))
        head = header.ljust(_length(header), b"\0")  # which is silence
        return Piece(run.start, run.stop, head, skipped=_SAMPLES[kind.layer])
    # The same header without a check sum, with the largest frames: there is room for the count.
    header = bytes((header[0], header[1] | 1, (header[2] & 0x0D) | 0xE0, header[3]))
    frame = header + bytes(kind.side_bytes) + b"Xing" + bytes((0, 0, 0, 1))
    head = (frame + run.frames.to_bytes(4, "big")).ljust(_length(header), b"\0")
    return Piece(run.start, run.stop, head)


def _at(file: BinaryIO, position: int) -> tuple[_Kind, bytes]:
    """Return the kind of a frame, and its header."""
    file.seek(position)
    header = file.read(4)
    parsed = _parse(header)
    assert parsed is not None
    return parsed[0], header


def _length(header: bytes) -> int:
    parsed = _parse(header)
    assert parsed is not None
    return parsed[1]


def layer_of(beginning: bytes) -> int | None:
    """Return the layer of the three frames with which these bytes begin; None if they do not."""
    kinds: list[_Kind] = []
    position = 0
    while len(kinds) < _FEWEST_FRAMES:
        parsed = _parse(beginning[position : position + 4])
        if parsed is None:
            return None
        kinds.append(parsed[0])
        position += parsed[1]
    return kinds[0].layer if len({*kinds}) == 1 else None


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
    """Return the kind and the length in bytes of a frame; None for other bytes."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bits, rate = header[2] >> 4, header[2] >> 2 & 3
    if version not in _RATES or layer == 4 or not 1 <= bits <= 14 or rate == 3:
        return None
    hertz, padding = _RATES[version][rate], header[2] >> 1 & 1
    bits_per_second = _KBITS[max(2, version), layer][bits - 1] * 1000
    if layer == 1:
        length = 4 * (12 * bits_per_second // hertz + padding)
    else:
        length = (144 if version == 3 or layer == 2 else 72) * bits_per_second // hertz + padding
    return _Kind(version, layer, hertz, header[3] >> 6 == _MONO), length


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
    position, frames, rates = start + length, 1, {content.at(start, 4)[2] >> 4}
    while position < size:
        beginning = content.at(position, _LOOK_BYTES)
        following = _parse(beginning[:4])
        if following is None or following[0] != kind or _counter(beginning, kind) is not None:
            break
        position, frames = position + following[1], frames + 1
        rates.add(beginning[2] >> 4)
    if position > size:  # the last one is cut off
        position, frames = size, frames - 1
    if frames < _FEWEST_FRAMES:
        return None
    counter = None if counter is None else start + counter
    return _Run(start, position, frames, len(rates) == 1, counter)


def _counter(frame: bytes, kind: _Kind) -> int | None:
    """Return where in a frame a count of frames stands, as in the first one of most MP3 files."""
    if kind.layer < 3:
        return None
    mark = frame[4 + kind.side_bytes : 12 + kind.side_bytes]
    if mark[:4] in (b"Xing", b"Info") and mark[-1] & 1:
        return 12 + kind.side_bytes
    return _VBRI + 14 if frame[_VBRI : _VBRI + 4] == b"VBRI" else None
