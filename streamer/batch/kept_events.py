"""The events of a result in little space: a day of them fits into memory."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from emotiond.streamer.uploads.archive import PART_EVENTS, EventLog

_LENGTH = struct.Struct("<I")
MOST_PART_BYTES = 2**21
"""Of a part when it is decompressed; those of ours have less than a tenth of it."""


def joined(log: EventLog) -> bytes:
    """Return all events of a log, for :class:`KeptEvents`."""
    return b"".join(_LENGTH.pack(len(part)) + part for part in log.parts())


class KeptEvents:
    """They are decompressed while they are read, as often as wanted.

    Args:
        content: from :func:`joined`.
        stream: the name of their stream, which depends on the name of the file.
    """

    def __init__(self, content: bytes, stream: str) -> None:
        self._content = content
        self._stream = stream

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Yield the events in order.

        Raises:
            ValueError: they are damaged.
        """
        position = 0
        while position < len(self._content):
            try:
                (length,) = _LENGTH.unpack_from(self._content, position)
                position += _LENGTH.size
                part = _unpacked(self._content[position : position + length])
            except (struct.error, zlib.error, RecursionError) as error:
                raise ValueError(f"events are damaged ({error})") from None
            position += length
            for event in part:
                yield {**event, "stream": self._stream}


def _unpacked(packed: bytes) -> Sequence[Mapping[str, Any]]:
    part: object = json.loads(_inflated(packed))
    if not isinstance(part, list) or len(part) > PART_EVENTS:
        raise ValueError("events are damaged")
    if not all(isinstance(event, dict) for event in part):
        raise ValueError("events are damaged")
    return part


def _inflated(packed: bytes) -> bytes:
    """Return what was packed. A file from elsewhere may hold more than memory does."""
    inflating = zlib.decompressobj()
    content = inflating.decompress(packed, MOST_PART_BYTES)
    if not inflating.eof:
        raise ValueError("events are damaged")
    return content
