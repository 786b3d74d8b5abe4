"""Reads the events of a recorded session, part by part. Its files may come from anywhere."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from emotiond.exceptions import SourceError
from emotiond.streamer.protocol.checks import MessageError, event_of
from emotiond.streamer.protocol.events import Event
from emotiond.streamer.recordings import names
from emotiond.streamer.recordings.head import READERS, head_of
from emotiond.streamer.recordings.position import TYPE, OtherFormatError, Position, position_of

MOST_DAMAGED = 1000
"""Lines of a session that may be damaged. Beyond, it is not read further."""

_MOST_LINES_BEFORE = 10_000  # before the first event
_SUFFIXES = (names.SOUND, names.JSON_LINES, names.DATABASE)
_REMEDY = f"Name a file that --record has written: {', '.join(f'FILE{each}' for each in _SUFFIXES)}"


@dataclass
class Damage:
    """What was left out of a session."""

    count: int = 0
    first: str | None = None
    """The first one, with its place; None if there is none."""

    def note(self, path: Path, line: int, problem: object) -> None:
        """Count a line that is left out.

        Raises:
            SourceError: there are too many.
        """
        self.count += 1
        self.first = self.first or f"{path}: line {line} is left out: {problem}"
        if self.count > MOST_DAMAGED:
            raise SourceError(
                f"{path}: more than {MOST_DAMAGED} lines are no events", "It is damaged, or no "
                "recording of emotiond",
            )  # fmt: skip


class Session:
    """A recording, from one of its files on: the files of the same run that follow belong to it.

    Args:
        path: a sound file, or a file with events.

    Raises:
        SourceError: there is no such file, it cannot be read, or it holds no event.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._events_path, self._read = _reader_of(path)
        self.damage = Damage()
        self.stream = self._first_event().stream
        """The name under which it was recorded. Events of other streams are left out."""

    def events(self) -> Iterator[Event]:
        """Yield all events in order. Damaged lines are left out, and noted in :attr:`damage`.

        Raises:
            SourceError: a file cannot be read, or is no recording.
        """
        self.damage = Damage()
        for path in self._parts():
            for entry in self._entries_of(path):
                if _is_event(entry) and entry.stream == self.stream:
                    yield entry

    def part(self) -> Iterator[Event | Position]:
        """Yield all events and positions of the one file, of whatever streams it has.

        Raises:
            SourceError: it cannot be read, or is no recording.
        """
        self.damage = Damage()
        for entry in self._entries_of(self._events_path):
            if entry is not None:
                yield entry

    def _first_event(self) -> Event:
        for entry in itertools.islice(self._entries_of(self._events_path), _MOST_LINES_BEFORE):
            if _is_event(entry):
                return entry
        found = "" if self.damage.first is None else f" ({self.damage.first})"
        raise SourceError(f"{self._events_path}: it holds no event{found}", _REMEDY)

    def _parts(self) -> Iterator[Path]:
        """Yield the file, then those of the later parts of the same run."""
        yield self._events_path
        first = head_of(self._events_path)
        if first is None or not first.session:
            return
        folder, wanted = self._path.parent, names.recording_of(self._path.stem)
        later: dict[int, Path] = {}
        try:
            found = sorted(folder.iterdir())
        except OSError:
            found = []
        for each in found:
            if each.suffix == self._events_path.suffix and names.recording_of(each.stem) == wanted:
                head = head_of(each)
                if head is not None and head.session == first.session and head.part > first.part:
                    later.setdefault(head.part, each)
        for part in sorted(later):
            yield later[part]

    def _entries_of(self, path: Path) -> Iterator[Event | Position | None]:
        """Yield what each line holds; None for what is neither, though no fault."""
        try:
            for line, values in enumerate(self._read(path), start=1):
                try:
                    entry = _parsed(values)
                except OtherFormatError:
                    raise
                except MessageError as error:
                    self.damage.note(path, line, error)
                    entry = None
                yield entry
        except OtherFormatError as error:
            raise SourceError(
                f"{path}: {error}", "Use the version of emotiond that has written it"
            ) from None
        except (OSError, ValueError) as error:  # ValueError: no file can have this name
            reason = getattr(error, "strerror", None) or error
            raise SourceError(f"{path}: {reason}", _REMEDY) from None


def _is_event(entry: Event | Position | None) -> TypeGuard[Event]:
    return not isinstance(entry, Position | None)


def _parsed(values: Mapping[str, Any] | MessageError) -> Event | Position | None:
    """Return an event or a position; None for what a later version adds."""
    if isinstance(values, MessageError):
        raise values
    if not isinstance(values.get("type"), str):
        raise MessageError("it has no type")
    if values["type"] == TYPE:
        return position_of(values)
    return event_of(values)


def _reader_of(path: Path) -> tuple[Path, Any]:
    """Return the file with the events of a part, and what reads it."""
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise SourceError(f"{path}: it is no file of a session", _REMEDY)
    for ending, read in READERS:
        if suffix == ending:
            return path, read
        each = names.beside(path, ending)
        if suffix == names.SOUND and each.exists():
            return each, read
    problem = "there are no events beside it" if path.exists() else "there is no such file"
    raise SourceError(f"{path}: {problem}", _REMEDY)
