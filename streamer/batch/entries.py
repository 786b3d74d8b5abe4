"""Holds what a run is asked for in little memory: a million paths take some megabytes."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterator

from emotiond.exceptions import ConfigError, SourceError
from emotiond.streamer.batch.item import Entry, Item, Refusal, item_of

MOST_ENTRIES = 5_000_000
"""Of a run: recordings, or rows of a table."""
_IN_A_BLOCK = 1000
_LEVEL = 1  # of compression: paths are much alike


class Entries(Collection[Entry]):
    """They are kept in compressed blocks, and unpacked while they are iterated over."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._last: list[Entry] = []

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._blocks) * _IN_A_BLOCK + len(self._last)

    def __iter__(self) -> Iterator[Entry]:
        """Yield them in their order."""
        for block in self._blocks:
            for item, *error in json.loads(zlib.decompress(block)):
                entry = Item(*item)
                yield Refusal(entry, SourceError(*error)) if error else entry
        yield from self._last

    def __contains__(self, entry: object) -> bool:
        """Return whether one is there."""
        return any(each == entry for each in self)

    def append(self, entry: Entry) -> None:
        """Add one at the end."""
        self._last.append(entry)
        if len(self._last) == _IN_A_BLOCK:
            values = [_values(each) for each in self._last]
            self._blocks.append(zlib.compress(json.dumps(values).encode(), _LEVEL))
            self._last.clear()

    @property
    def files(self) -> Collection[str]:
        """The path of each."""
        return _Files(self)


class _Files(Collection[str]):
    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[str]:
        return (item_of(entry).file for entry in self._entries)

    def __contains__(self, file: object) -> bool:
        return any(each == file for each in self)


def _values(entry: Entry) -> tuple[object, ...]:
    item = item_of(entry)
    values = item.file, item.start_seconds, item.end_seconds, item.channel, item.is_read_once
    if isinstance(entry, Refusal):
        return values, entry.error.problem, entry.error.remedy
    return (values,)


def too_many(named: str) -> ConfigError:
    """Return what to say of more entries than a run may have.

    Args:
        named: what names them, with its verb.
    """
    return ConfigError(
        f"{named} more than {MOST_ENTRIES:,} recordings", "Cut them up into several runs"
    )
