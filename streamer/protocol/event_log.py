"""The events of one recording, compressed: a day of them fits into memory."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

PART_EVENTS = 200
"""Number of events in one part: some 150 KB."""

_LENGTH = struct.Struct("<I")


class EventLog:
    """It compresses events as they come."""

    def __init__(self) -> None:
        self.count = 0
        self._waiting: list[str] = []
        self._parts: list[bytes] = []

    def add(self, text: str) -> None:
        """Add an event, as JSON."""
        self.count += 1
        self._waiting.append(text)
        if len(self._waiting) == PART_EVENTS:
            self._pack()

    def parts(self) -> Sequence[bytes]:
        """Return all events in compressed parts of ``PART_EVENTS`` each."""
        if self._waiting:
            self._pack()
        return self._parts

    def joined(self) -> bytes:
        """Return all events, for :class:`KeptEvents`."""
        return b"".join(_LENGTH.pack(len(part)) + part for part in self.parts())

    def _pack(self) -> None:
        self._parts.append(zlib.compress(f"[{','.join(self._waiting)}]".encode()))
        self._waiting = []


class KeptEvents:
    """The events of a recording. They are decompressed while they are read, as often as wanted.

    Args:
        joined: from :meth:`EventLog.joined`.
        stream: the name of their stream, which is not kept among them.
    """

    def __init__(self, joined: bytes, stream: str) -> None:
        self._joined = joined
        self._stream = stream

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Yield the events in order.

        Raises:
            ValueError: they are damaged.
        """
        position = 0
        while position < len(self._joined):
            try:
                (length,) = _LENGTH.unpack_from(self._joined, position)
                position += _LENGTH.size
                part = json.loads(zlib.decompress(self._joined[position : position + length]))
            except (struct.error, zlib.error) as error:
                raise ValueError(f"events are damaged ({error})") from None
            position += length
            for event in part:
                yield {**event, "stream": self._stream}
