"""A recording's events as lines of JSON, for its owner alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from emotiond.inference.files import open_regular
from emotiond.streamer.audio.wav import write_all
from emotiond.streamer.private_files import create_private
from emotiond.streamer.protocol.checks import MessageError, decoded
from emotiond.streamer.protocol.events import Event, encode
from emotiond.streamer.recordings.position import Position, position_to_json

MOST_LINE_BYTES = 64 * 1024
"""Of a line that is read; the daemon writes less than a kilobyte."""


class JsonLines:
    """Writes the lines. What is written survives the end of the program.

    Args:
        path: the new file.

    Raises:
        OSError: the file cannot be created.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = create_private(path)
        self._waiting = bytearray()
        self.size_bytes = 0
        """Of all lines, those that wait included."""

    def add(self, _event: Event, text: str) -> None:
        """Add an event, which is already encoded."""
        line = text.encode() + b"\n"
        self._waiting += line
        self.size_bytes += len(line)

    def add_position(self, position: Position) -> None:
        """Add a line of type ``recording``."""
        line = encode(position_to_json(position)).encode() + b"\n"
        self._waiting += line
        self.size_bytes += len(line)

    def flush(self) -> bool:
        """Write what waits. Returns whether nothing waits any more.

        Raises:
            OSError: it cannot be written.
        """
        write_all(self._descriptor, self._waiting)
        self._waiting.clear()
        return True

    def close(self) -> None:
        """Write what waits, and close the file.

        Raises:
            OSError: it cannot be written. The file is closed all the same.
        """
        try:
            self.flush()
        finally:
            os.close(self._descriptor)


def read_json_lines(path: Path) -> Iterator[Mapping[str, Any] | MessageError]:
    """Yield the objects of the lines, and an error for each line that is none.

    A last line without an end, which a killed daemon leaves behind, is passed over.

    Raises:
        OSError: the file cannot be read.
    """
    for values, _ in lines_from(path, 0):
        yield values


def lines_from(path: Path, place: int) -> Iterator[tuple[Mapping[str, Any] | MessageError, int]]:
    """Yield the same from a place on, each with the place behind it.

    Args:
        path: the file.
        place: the byte at which to begin: 0, or one that was yielded.

    Raises:
        OSError: the file cannot be read.
    """
    with open_regular(path) as file:
        file.seek(min(place, file.seek(0, os.SEEK_END)))
        while line := file.readline(MOST_LINE_BYTES + 1):
            if len(line) > MOST_LINE_BYTES:
                while line and not line.endswith(b"\n"):
                    line = file.readline(MOST_LINE_BYTES)
                yield MessageError("it is far too long"), file.tell()
                continue
            if not line.endswith(b"\n"):
                return
            if line.strip():
                yield _decoded(line), file.tell()


def read_last_lines(path: Path) -> Iterator[Mapping[str, Any] | MessageError]:
    """Yield what the last 64 KiB of the file hold, the last whole line first.

    Raises:
        OSError: the file cannot be read.
    """
    with open_regular(path) as file:
        size = file.seek(0, os.SEEK_END)
        begin = max(0, size - MOST_LINE_BYTES)
        file.seek(begin)
        *lines, _ = file.read(MOST_LINE_BYTES).split(b"\n")
    for line in reversed(lines[1:] if begin else lines):
        if line.strip():
            yield _decoded(line)


def _decoded(line: bytes) -> Mapping[str, Any] | MessageError:
    try:
        return decoded(line.decode())
    except UnicodeDecodeError:
        return MessageError("it is no text")
    except MessageError as error:
        return error
