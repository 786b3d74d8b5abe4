"""Turns the arguments of the command into items: files, folders, patterns and lists."""

from __future__ import annotations

import errno
import glob
import os
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from emotiond.exceptions import ConfigError, SourceError
from emotiond.streamer.batch.folders import Walk
from emotiond.streamer.batch.item import Entry, Item, Refusal, item_of
from emotiond.streamer.batch.lists import read_list
from emotiond.streamer.readers.opening import is_own, read_once, unreadable

_LIST = "@"


@dataclass
class Selection:
    """What the arguments name, in their order; what is in a folder, in the order of names."""

    entries: list[Entry] = field(default_factory=list)
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
    _real: dict[str, str] = field(default_factory=dict)
    """Where links lead, by the folder. Many files share one."""
    _paths: set[tuple[str, str]] = field(default_factory=set)
    _walked: set[tuple[int, int]] = field(default_factory=set)

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
            self.entries.append(Refusal(Item(path), unreadable(path, OSError(errno.ENXIO, ""))))
            return
        if key in self._read_once:  # two readers of one pipe would get a part of its sound each
            names = " and ".join(dict.fromkeys((self._read_once[key], path)))
            raise ConfigError(f"{names}: it can be read only once", "Name it once")
        self._read_once[key] = path
        self.entries.append(Item(path, is_read_once=True))

    def _add_entry(self, entry: Entry) -> None:
        """Add an entry, known by its folder and its name there: a link is a file of its own."""
        folder, name = os.path.split(item_of(entry).file)
        if folder not in self._real:
            self._real[folder] = os.path.realpath(folder)
        key = (self._real[folder], name)
        if key in self._paths:
            self.repeated += 1
        else:
            self._paths.add(key)
            self.entries.append(entry)


def select(arguments: Sequence[str]) -> Selection:
    """List all items. A file that is named several times comes once; each row of a table comes.

    Args:
        arguments: paths of files and folders, ``-``, patterns such as ``'**/*.wav'``, and lists
            such as ``@list.txt``.

    Raises:
        ConfigError: a list is no list, or what can be read only once is named twice.
        SourceError: a list cannot be read.
    """
    selection = Selection()
    for argument in arguments:
        if argument.startswith(_LIST) and not os.path.lexists(argument):
            for named in read_list(argument.removeprefix(_LIST)):
                if isinstance(named, str):
                    selection.add(named, is_named=False)
                else:
                    selection.entries.append(named)
        elif glob.has_magic(argument) and not os.path.lexists(argument):
            found = sorted(glob.iglob(argument, recursive=True))  # noqa: PTH207 - as it was given
            for path in found:
                selection.add(path, is_named=False)
            if not found:
                error = SourceError(f"{argument}: no file has such a name", "Check the pattern")
                selection.entries.append(Refusal(Item(argument), error))
        else:
            selection.add(argument, is_named=True)
    if not selection.entries:
        raise ConfigError(f"{' '.join(arguments)}: no recording is named", "Name one")
    return selection
