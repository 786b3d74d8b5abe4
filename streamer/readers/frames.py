"""Recognises compressed sound that has no header, by the frames with which it begins."""

from __future__ import annotations

from emotiond.streamer.readers.mpeg import layer_of

_ADTS_HEADER_BYTES = 7
_FEWEST_FRAMES = 3  # in a row: sound itself may look like one


def may_be_frames(beginning: bytes) -> bool:
    """Return whether the first two bytes are those of a frame. One in thousands is by chance."""
    return len(beginning) > 1 and beginning[0] == 0xFF and beginning[1] & 0xE0 == 0xE0


def frames_of(beginning: bytes) -> str | None:
    """Return the name of the format of which these bytes are frames; None if they are none."""
    if (layer := layer_of(beginning)) is not None:
        return f"MP{layer}"
    position = 0
    for _ in range(_FEWEST_FRAMES):
        header = beginning[position : position + _ADTS_HEADER_BYTES]
        if len(header) < _ADTS_HEADER_BYTES or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
            return None
        length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
        if length <= _ADTS_HEADER_BYTES:
            return None
        position += length
    return "AAC"
