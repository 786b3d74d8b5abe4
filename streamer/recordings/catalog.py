"""Lists the parts of recordings in some folders, and deletes those that are complete."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import logging
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from emotiond.exceptions import RecordError, printable
from emotiond.streamer.private_files import check_neighbours
from emotiond.streamer.recordings import names
from emotiond.streamer.recordings.head import head_of
from emotiond.streamer.recordings.pieces import last_seconds
from emotiond.streamer.recordings.position import Position, position_to_json
from emotiond.streamer.recordings.quota import are_own_files, delete_files, is_written, size_of

MOST_NAMES = 100_000
"""Of a folder that are looked at."""

_ID_CHARACTERS = 32
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """A part that can be looked at."""

    id: str
    """Made of what the part is: another part never has it."""
    path: Path
    """Its sound file, which need not be there."""
    events_path: Path
    position: Position
    """Its first one."""
    end_seconds: float
    """Second of the stream at which its last event ends."""
    size_bytes: int
    """Of all its files."""
    is_written: bool
    """Whether it is being recorded."""


@dataclass(frozen=True)
class _Known:
    """What was read of a part, while its files were so."""

    state: tuple[int, int, int]
    position: Position | None
    end_seconds: float


class Catalog:
    """The parts in some folders. One thread at a time may use it.

    A part counts if all its files are regular ones of this user and its events begin as those of a
    recording. No link is followed. Of a folder in which every user can make files nothing is
    listed: others could put theirs in the place of what was looked at.

    Args:
        folders: where to look; not below them.
        present: returns the sound files that this program is writing.
    """

    def __init__(self, folders: Sequence[Path], present: Callable[[], Collection[Path]]) -> None:
        self._folders = folders
        self._present = present
        self._known: dict[Path, _Known] = {}
        self._paths: dict[str, Path] = {}
        """The events of each part that was listed, by its id."""
        self._refused: set[Path] = set()

    def entries(self) -> Sequence[Entry]:
        """Return all parts, the newest first."""
        paths = tuple(self._candidates())
        self._known = {path: self._known[path] for path in paths if path in self._known}
        found = [entry for path in paths if (entry := self._entry(path))]
        self._paths = {entry.id: entry.events_path for entry in found}
        return sorted(found, key=lambda entry: (entry.position.time, entry.path.name), reverse=True)

    def find(self, number: str) -> Entry | None:
        """Return a part that was listed, as it is now; None if it is no longer there."""
        path = self._paths.get(number)
        entry = None if path is None else self._entry(path)
        return entry if entry is not None and entry.id == number else None

    def delete(self, entry: Entry) -> tuple[int, int]:
        """Delete the files of a part. Returns their number and size.

        Raises:
            RecordError: it is being recorded, or cannot be deleted.
        """
        name = printable(entry.path.stem)
        if entry.is_written:
            raise RecordError(f"{name} is being recorded", "Delete it when it is complete")
        sizes: list[int] = []
        try:
            sizes.extend(delete_files(entry.path))
        except OSError as error:
            problem = f"{name} cannot be deleted ({error.strerror})"
            raise RecordError(problem, "Look at the rights to its folder") from None
        return len(sizes), sum(sizes)

    def _candidates(self) -> Iterator[Path]:
        """Yield the files that may hold the events of a part, one for each part."""
        for folder in self._folders:
            try:
                check_neighbours(folder / names.SOUND, ())
                with os.scandir(folder) as listed:
                    found = {each.name for each in itertools.islice(listed, MOST_NAMES)}
            except OSError as error:
                self._note(folder, error)
                continue
            for ending in (names.JSON_LINES, names.DATABASE):
                for name in found:
                    stem = name.removesuffix(ending)
                    is_second = ending == names.DATABASE and stem + names.JSON_LINES in found
                    if stem and stem != name and not is_second:
                        yield folder / name

    def _note(self, folder: Path, error: OSError) -> None:
        if folder not in self._refused:
            self._refused.add(folder)
            reason = error.strerror or error
            _log.warning("the recordings in %s are not shown on the page: %s", folder, reason)

    def _entry(self, events_path: Path) -> Entry | None:
        path = names.beside(events_path, names.SOUND)
        with contextlib.suppress(OSError):
            check_neighbours(events_path, ())
            about, size_bytes = events_path.lstat(), size_of(path)
            if not are_own_files(path):
                return None
            state = about.st_ino, about.st_mtime_ns, size_bytes
            known = self._known.get(events_path)
            if known is None or known.state != state:
                known = self._known[events_path] = _read(events_path, state)
            if known.position is None:
                return None
            return Entry(
                id=self._id_of(events_path, known.position),
                path=path,
                events_path=events_path,
                position=known.position,
                end_seconds=known.end_seconds,
                size_bytes=size_bytes,
                is_written=path in self._present() or is_written(path),
            )
        return None

    def _id_of(self, events_path: Path, position: Position) -> str:
        folder = self._folders.index(events_path.parent)
        described = json.dumps([folder, events_path.name, position_to_json(position)])
        return hashlib.sha256(described.encode()).hexdigest()[:_ID_CHARACTERS]


def _read(events_path: Path, state: tuple[int, int, int]) -> _Known:
    """Read where a part begins and ends. One without an event ends where it begins."""
    position = head_of(events_path)
    if position is None:
        return _Known(state, None, 0.0)
    end = last_seconds(events_path, position.stream)
    return _Known(state, position, max(position.stream_seconds, end or 0.0))
