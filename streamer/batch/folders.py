"""Finds the recordings in folders, by the names of sound formats."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import PurePath
from typing import NamedTuple

from emotiond.exceptions import SourceError
from emotiond.streamer.batch.item import Entry, Item, Refusal
from emotiond.streamer.readers.opening import unreadable

SUFFIXES = frozenset(
    (
        *("aac", "ac3", "aif", "aifc", "aiff", "amr", "au", "caf", "flac", "m4a", "m4b", "mka"),
        *("mp2", "mp3", "oga", "ogg", "opus", "rf64", "snd", "w64", "wav", "wave", "wma"),
        *("3g2", "3gp", "asf", "avi", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts"),
        *("ogv", "vob", "webm", "wmv"),
    )
)
"""Of names of sound formats and films, without the dot. Capitals count as small letters."""


class Walk:
    """The recordings below a folder, in the order of their names. It is iterated over once.

    Hidden files and folders are passed over. A folder that links lead to several times is listed
    once, so links in a circle end.

    Args:
        folder: the path as it was given.
    """

    def __init__(self, folder: str) -> None:
        self.passed_over = 0
        """Files without a name of a sound format so far."""
        self.circles: list[str] = []
        """Links to folders that were listed already."""
        self.seen: set[tuple[int, int]] = set()
        """The folders that are listed, by device and number."""
        self._folder = folder

    def __iter__(self) -> Iterator[Entry]:
        """Yield an item for each recording, and a refusal for what cannot be one."""
        found = False
        ahead = [self._places_in(self._folder)]
        while ahead:
            place = next(ahead[-1], None)
            if place is None:
                ahead.pop()
            elif isinstance(place, Refusal):
                found = True
                yield place
            elif place.is_folder:
                ahead.append(self._places_in(place.path))
            elif PurePath(place.path).suffix.lower().removeprefix(".") not in SUFFIXES:
                self.passed_over += 1
            else:
                found = True
                yield _entry(place)
        if not found:
            others = f" among {self.passed_over} files" if self.passed_over else ""
            problem = f"{self._folder}: there is no recording in it{others}"
            remedy = "Name another folder, or the files themselves"
            yield Refusal(Item(self._folder), SourceError(problem, remedy))

    def _places_in(self, folder: str) -> Iterator[_Place | Refusal]:
        try:
            about = os.stat(folder)  # noqa: PTH116 - as fast as can be, with any name
            if (about.st_dev, about.st_ino) in self.seen:
                self.circles.append(folder)
                return
            self.seen.add((about.st_dev, about.st_ino))
            with os.scandir(folder) as found:
                places = sorted(_packed(each) for each in found if not each.name.startswith("."))
        except OSError as error:
            yield Refusal(Item(folder), unreadable(folder, error))
            return
        for packed in places:
            yield _place(folder, packed)


class _Place(NamedTuple):
    """What is in a folder."""

    path: str
    is_folder: bool
    is_file: bool


_FOLDER, _FILE, _OTHER = "dfo"


def _packed(found: os.DirEntry[str]) -> str:
    """Return what of an entry is needed, in a text: a folder may have a million of them.

    Texts of one folder sort as the paths do.
    """
    kind = _OTHER
    with contextlib.suppress(OSError):  # its links lead in a circle, for instance
        kind = _FOLDER if found.is_dir() else _FILE if found.is_file() else _OTHER
    return f"{found.name}\0{kind}"


def _place(folder: str, packed: str) -> _Place:
    name, kind = packed.split("\0")
    path = os.path.join(folder, name)  # noqa: PTH118 - as fast as can be, with any name
    return _Place(path, kind == _FOLDER, kind == _FILE)


def _entry(place: _Place) -> Entry:
    """Refuse what would be waited for: only a file that was named itself may be a pipe."""
    item = Item(place.path)
    if place.is_file:
        return item
    try:
        os.stat(place.path)  # noqa: PTH116 - with any name
    except OSError as error:
        return Refusal(item, unreadable(place.path, error))
    return Refusal(item, unreadable(place.path, OSError(errno.ENXIO, "")))
