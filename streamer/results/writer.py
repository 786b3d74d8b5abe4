"""What the command hands over for each item, and what every format makes of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

Result: TypeAlias = "Mapping[str, Any]"
"""One item: the JSON object of ``Analysis.to_json()``, after JSON, so no bit is lost on its way
through a process, a database or a cluster.

- ``file``, ``duration``, ``label``, ``confidence``, ``scores``, ``shares``, ``speech_seconds``: as
  they are printed.
- ``start``, ``end``: seconds; only where the item is a segment of the file. ``duration`` is that of
  the segment then. Times of events are those of the file.
- ``channel``: from 1; only where the item is one channel of the file.
- ``events``: an iterable of objects, in order. It may be read as often as wanted, but is no list:
  the events of twelve hours do not fit into memory, and are decompressed while they are read.
"""

Level: TypeAlias = Literal["files", "segments", "strides"]
"""What has a row: a file (or a segment or channel of it, where that was given), a span of one
label, or a stride."""

STANDARD_OUTPUT = "-"
STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Request:
    """What is to be written, and where."""

    level: Level
    shortest_seconds: float
    """The shortest sound that can have a label."""
    files: Collection[str]
    """The file of each item, in the order of the items."""
    folders: Sequence[str] = ()
    """The folders that were given. Files that come from them keep their places below them."""
    output: Path | None = None
    """A file, or a folder for formats with a file for each recording; None: standard output."""
    overwrite: bool = False
    """Whether files that are there already are replaced."""
    is_resumed: bool = False
    """Whether a run goes on: its table is made anew, and the files of its recordings stay, since
    they are whole, and may have been corrected by hand."""


Write: TypeAlias = "Callable[[Result], None]"
"""Takes the results one after the other, in the order of the items."""

OpenWriter: TypeAlias = "Callable[[Request], AbstractContextManager[Write]]"
"""Begins to write, and raises before any work is done what would prevent it.

The end of the context completes the output, unless it ends with an exception: then what was printed
stays, and no file is put into place. Errors of items are not its business.
"""
