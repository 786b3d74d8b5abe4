"""What the command hands over for each item, and what every format makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

Result: TypeAlias = "Mapping[str, Any]"
"""One item: the JSON object of ``Analysis.to_json()``, after JSON, so no bit is lost on its way
through a process, a database or a cluster.

- ``file``, ``duration``, ``label``, ``confidence``, ``scores``, ``shares``: as they are printed.
- ``start``, ``end``: seconds; only where the item is a segment of the file. ``duration`` is that of
  the segment then. Times of events are those of the file.
- ``channel``: from 1; only where the item is one channel of the file.
- ``events``: an iterable of objects, in order. It may be read as often as wanted, but is no list:
  the events of twelve hours do not fit into memory, and are decompressed while they are read.
"""

Write: TypeAlias = "Callable[[Result], None]"
"""Takes the results one after the other, in the order of the items."""

OpenWriter: TypeAlias = "Callable[[float], AbstractContextManager[Write]]"
"""Begins to write: takes the shortest sound that can have a label, in seconds.

The end of the context completes the output, unless it ends with an exception: then what was printed
stays, and no file is put into place. Errors of items are not its business.
"""
