"""Turns the arguments of the command into items: files, folders, patterns and lists."""

from __future__ import annotations

import glob
import os
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from emotiond.exceptions import ConfigError, SourceError
from emotiond.streamer.batch.folders import Walk
from emotiond.streamer.batch.item import Entry, Item, Refusal
from emotiond.streamer.batch.lists import read_list
from emotiond.streamer.readers.opening import read_once

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
    read_once: dict[Hashable, str] = field(default_factory=dict)
    """Pipes and the like."""


def select(arguments: Sequence[str]) -> Selection:
    """List all items.

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
                    _add(selection, named)
                else:
                    selection.entries.append(named)
        elif glob.has_magic(argument) and not os.path.lexists(argument):
            found = sorted(glob.iglob(argument, recursive=True))  # noqa: PTH207 - as it was given
            for path in found:
                _add(selection, path)
            if not found:
                error = SourceError(f"{argument}: no file has such a name", "Check the pattern")
                selection.entries.append(Refusal(Item(argument), error))
        else:
            _add(selection, argument)
    if not selection.entries:
        raise ConfigError(f"{' '.join(arguments)}: no recording is named", "Name one")
    return selection


def _add(selection: Selection, path: str) -> None:
    """Add a file, or all recordings in a folder."""
    if os.path.isdir(path):  # noqa: PTH112 - any name
        walk = Walk(path)
        selection.folders.append(path)
        selection.entries.extend(walk)
        selection.passed_over += walk.passed_over
        selection.circles += walk.circles
        return
    key = read_once(path)
    if key is not None:  # two readers of one pipe would get a part of its sound each
        if key in selection.read_once:
            names = " and ".join(dict.fromkeys((selection.read_once[key], path)))
            raise ConfigError(f"{names}: it can be read only once", "Name it once")
        selection.read_once[key] = path
    selection.entries.append(Item(path))
