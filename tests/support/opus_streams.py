"""Takes Opus out of the files that browsers record, WebM and MP4, and puts it into Ogg.

This is what ``ffmpeg -i FILE -c copy out.opus`` does, for files of one stream.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

_MASTERS = {0x18538067, 0x1F43B675, 0xA0, 0x1654AE6B, 0xAE}  # segment, cluster, group, tracks
_BLOCKS, _PRIVATE = {0xA3, 0xA1}, 0x63A2
_BOXES = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"}
_SILK_MS, _HYBRID_MS, _CELT_MS = (10, 20, 40, 60), (10, 20), (2.5, 5, 10, 20)


def _number(data: bytes, position: int, keep_mark: bool) -> tuple[int, int]:
    """Return a number of EBML, and where it ends."""
    length = 9 - data[position].bit_length()
    value = int.from_bytes(data[position : position + length], "big")
    return value if keep_mark else value & ~(1 << 7 * length), position + length


def _elements(webm: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(webm):
        name, position = _number(webm, position, keep_mark=True)
        size, position = _number(webm, position, keep_mark=False)
        if name not in _MASTERS:  # what is inside of those follows; their size may be unknown
            yield name, webm[position : position + size]
            position += size


def from_webm(webm: bytes) -> tuple[bytes, Sequence[bytes]]:
    """Return the header of Opus in a WebM file, and its packets."""
    elements = [*_elements(webm)]
    (head,) = (content for name, content in elements if name == _PRIVATE)
    return head, [content[4:] for name, content in elements if name in _BLOCKS]


def _boxes(mp4: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position + 8 <= len(mp4):
        size, name = struct.unpack_from(">I4s", mp4, position)
        size = size or len(mp4) - position
        if name in _BOXES:
            position += 8
        else:
            yield name, mp4[position + 8 : position + size]
            position += size


def _sample_sizes(header: bytes, run: bytes) -> Sequence[int]:
    """Return the sizes of the samples of a run, from the boxes ``tfhd`` and ``trun``."""
    flags, position = int.from_bytes(header[1:4], "big"), 8
    position += 8 * bool(flags & 1) + 4 * bool(flags & 2) + 4 * bool(flags & 8)
    default = int.from_bytes(header[position : position + 4], "big") if flags & 0x10 else 0
    flags, count = int.from_bytes(run[1:4], "big"), int.from_bytes(run[4:8], "big")
    first = 8 + 4 * bool(flags & 1) + 4 * bool(flags & 4)
    before = 4 * bool(flags & 0x100)
    step = before + 4 * bool(flags & 0x200) + 4 * bool(flags & 0x400) + 4 * bool(flags & 0x800)
    if not flags & 0x200:
        return [default] * count
    places = [first + index * step + before for index in range(count)]
    return [int.from_bytes(run[place : place + 4], "big") for place in places]


def from_mp4(mp4: bytes) -> tuple[bytes, Sequence[bytes]]:
    """Return the header of Opus in a fragmented MP4 file, as Ogg has it, and its packets."""
    at = mp4.index(b"dOps") + 4
    _, channels, skipped, rate, gain, family = struct.unpack_from(">BBHIhB", mp4, at)
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, channels, skipped, rate, gain, family)
    packets: list[bytes] = []
    track, sizes = b"", []
    for name, content in _boxes(mp4):
        if name == b"tfhd":
            track = content
        elif name == b"trun":
            sizes += _sample_sizes(track, content)
        elif name == b"mdat":
            position = 0
            for size in sizes:
                packets.append(content[position : position + size])
                position += size
            sizes = []
    return head, packets


def _samples(packet: bytes) -> int:
    """Return how long a packet lasts, in samples at 48 kHz."""
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        milliseconds: float = _SILK_MS[config % 4]
    elif config < 16:
        milliseconds = _HYBRID_MS[config % 2]
    else:
        milliseconds = _CELT_MS[config % 4]
    return round(48 * milliseconds) * (1, 2, 2, packet[1] & 0x3F if code == 3 else 0)[code]


def _crc(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value


def to_ogg(head: bytes, packets: Sequence[bytes]) -> bytes:
    """Return an Ogg file with a page for each packet."""
    tags = b"OpusTags" + struct.pack("<I", 0) + struct.pack("<I", 0)
    granules, granule = [0, 0], 0
    for packet in packets:
        granule += _samples(packet)
        granules.append(granule)
    pages, all_packets = [], [head, tags, *packets]
    for index, (packet, at) in enumerate(zip(all_packets, granules, strict=True)):
        flags = 2 * (index == 0) + 4 * (index == len(all_packets) - 1)
        lacing = bytes([255] * (len(packet) // 255) + [len(packet) % 255])
        page = bytearray(struct.pack("<4sBBqIIIB", b"OggS", 0, flags, at, 1, index, 0, len(lacing)))
        page += lacing + packet
        page[22:26] = _crc(page).to_bytes(4, "little")
        pages.append(bytes(page))
    return b"".join(pages)
