"""What the beginning of a part says: of which recording it is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from emotiond.streamer.protocol.checks import MessageError
from emotiond.streamer.recordings import names
from emotiond.streamer.recordings.json_lines import read_json_lines
from emotiond.streamer.recordings.position import TYPE, Position, position_of

Objects = Iterator["Mapping[str, Any] | MessageError"]

_MOST_LINES = 20  # an earlier version wrote a few events before the first position


def _read_database(path: Path) -> Objects:
    from emotiond.streamer.recordings.database_reader import read_database

    return read_database(path)


READERS: Sequence[tuple[str, Callable[[Path], Objects]]] = (
    (names.JSON_LINES, read_json_lines),
    (names.DATABASE, _read_database),
)
"""What the names of files with events end with, and what reads them; the first is preferred."""


def head_of(path: Path) -> Position | None:
    """Return the first position of a part; None if it has none, or cannot be read.

    Args:
        path: its sound file, which need not exist.
    """
    for ending, read in READERS:
        try:
            for values in itertools.islice(read(names.beside(path, ending)), _MOST_LINES):
                if not isinstance(values, MessageError) and values["type"] == TYPE:
                    return position_of(values)
        except (OSError, MessageError):
            continue
    return None
