"""What is judged at once: a file, a segment of it, a channel of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from emotiond.exceptions import SourceError


@dataclass(frozen=True, slots=True)
class Item:
    """One file, from a cold start. Without more than the file: all of it, its channels mixed."""

    file: str
    """The path as it was given, or as it was found in a folder that was given."""
    start_seconds: float | None = None
    """Where the segment begins; None for the start of the file."""
    end_seconds: float | None = None
    """Where the segment ends; None for the end of the file. A file that ends earlier ends it."""
    channel: int | None = None
    """The channel that is judged alone, the first is 1; None for all, mixed."""
    is_read_once: bool = False
    """Whether a pipe or the like was named. All else has to be a regular file when it is read."""


class Refusal(NamedTuple):
    """What was asked for, and cannot be analyzed."""

    item: Item
    error: SourceError


Entry: TypeAlias = "Item | Refusal"
"""What comes of an argument."""


def item_of(entry: Entry) -> Item:
    """Return what was asked for."""
    return entry if isinstance(entry, Item) else entry.item
