"""Turns the arguments of the command into items: files, folders, patterns and lists."""

from __future__ import annotations

import errno
import functools
import glob
import os
from array import array
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np

from emotiond.exceptions import ConfigError, SourceError
from emotiond.streamer.batch.entries import MOST_ENTRIES, Entries, too_many
from emotiond.streamer.batch.folders import Walk
from emotiond.streamer.batch.item import Entry, Item, Refusal, item_of
from emotiond.streamer.batch.lists import read_list
from emotiond.streamer.readers.opening import is_own, read_once, unreadable

_LIST = "@"
_MOST_FOLDERS = 1000  # of which it is remembered where their links lead


@dataclass
class Selection:
    """What the arguments name, in their order; what is in a folder, in the order of names."""

    entries: Entries = field(default_factory=Entries)
    folders: list[str] = field(default_factory=list)
    """The folders that were given."""
    passed_over: int = 0
    """Files in folders without a name of a sound format."""
    circles: list[str] = field(default_factory=list)
    """Links to folders that are listed already."""
    repeated: int = 0
    """Recordings that were named before. Each comes once, where it is named first."""
    _read_once: dict[Hashable, str] = field(default_factory=dict)
    """Pipes and the like."""
    _hashes: array[int] = field(default_factory=lambda: array("q"))
    """Of the key of each entry, which may repeat an earlier one; 0 where it may not."""
    _walked: set[tuple[int, int]] = field(default_factory=set)
    _real: Callable[[str], str] = field(
        default_factory=lambda: functools.lru_cache(_MOST_FOLDERS)(os.path.realpath)
    )
    """Where links lead, by the folder. Many files share one."""

    def add(self, path: str, *, is_named: bool) -> None:
        """Add a file, or all recordings in a folder, unless they are there.

        Args:
            path: the file or folder.
            is_named: whether the user has named it alone: only then, a pipe is waited for.

        Raises:
            ConfigError: what can be read only once is named twice.
        """
        if not os.path.isdir(path):  # noqa: PTH112 - any name
            self._add_file(path, is_named)
        elif not self._is_walked(path):
            walk = Walk(path)
            self.folders.append(path)
            for entry in walk:
                self._add_entry(entry)
            self.passed_over += walk.passed_over
            self.circles += walk.circles
            self._walked |= walk.seen

    def _is_walked(self, folder: str) -> bool:
        try:
            about = os.stat(folder)  # noqa: PTH116 - any name
        except OSError:  # it has vanished: the walk says so
            return False
        return (about.st_dev, about.st_ino) in self._walked

    def _add_file(self, path: str, is_named: bool) -> None:
        key = read_once(path)
        if key is None:
            self._add_entry(Item(path, is_read_once=is_own(path)))
            return
        if not is_named:
            self.append(Refusal(Item(path), unreadable(path, OSError(errno.ENXIO, ""))))
            return
        if key in self._read_once:  # two readers of one pipe would get a part of its sound each
            names = " and ".join(dict.fromkeys((self._read_once[key], path)))
            raise ConfigError(f"{names}: it can be read only once", "Name it once")
        self._read_once[key] = path
        self.append(Item(path, is_read_once=True))

    def _add_entry(self, entry: Entry) -> None:
        self.append(entry, hash(self._key_of(entry)) or 1)

    def _key_of(self, entry: Entry) -> tuple[str, str]:
        """Return the folder of an entry and its name there: a link is a file of its own."""
        folder, name = os.path.split(item_of(entry).file)
        return self._real(folder), name

    def append(self, entry: Entry, key_hash: int = 0) -> None:
        """Add an entry, whatever is there.

        Args:
            entry: the last one.
            key_hash: of what tells whether it is there already; 0 if that does not count.

        Raises:
            ConfigError: there are too many.
        """
        if len(self.entries) >= MOST_ENTRIES:
            raise too_many("the arguments name")
        self.entries.append(entry)
        self._hashes.append(key_hash)

    def leave_out_repeated(self) -> None:
        """Keep of what is named several times the first."""
        # Exact keys of all would take a hundred bytes each: only equal hashes are looked at.
        ordered = np.sort(np.frombuffer(self._hashes, np.int64))
        shared = {*ordered[1:][ordered[1:] == ordered[:-1]].tolist()} - {0}
        if not shared:
            return
        found, keys = Entries(), set[tuple[str, str]]()
        for entry, key_hash in zip(self.entries, self._hashes, strict=True):
            if key_hash in shared:
                key = self._key_of(entry)
                if key in keys:
                    continue
                keys.add(key)
            found.append(entry)
        self.repeated = len(self.entries) - len(found)
        self.entries = found


def select(arguments: Sequence[str]) -> Selection:
    """List all items. A file that is named several times comes once; each row of a table comes.

    Args:
        arguments: paths of files and folders, ``-``, patterns such as ``'**/*.wav'``, and lists
            such as ``@list.txt``.

    Raises:
        ConfigError: a list is no list, there are too many recordings, or what can be read only once
            is named twice.
        SourceError: a list cannot be read.
    """
    selection = Selection()
    for argument in arguments:
        if argument.startswith(_LIST) and not os.path.lexists(argument):
            for named in read_list(argument.removeprefix(_LIST)):
                if isinstance(named, str):
                    selection.add(named, is_named=False)
                else:
                    selection.append(named)
        elif glob.has_magic(argument) and not os.path.lexists(argument):
            found = sorted(glob.iglob(argument, recursive=True))  # noqa: PTH207 - as it was given
            for path in found:
                selection.add(path, is_named=False)
            if not found:
                error = SourceError(f"{argument}: no file has such a name", "Check the pattern")
                selection.append(Refusal(Item(argument), error))
        else:
            selection.add(argument, is_named=True)
    selection.leave_out_repeated()
    if not selection.entries:
        raise ConfigError(f"{' '.join(arguments)}: no recording is named", "Name one")
    return selection
