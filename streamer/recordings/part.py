"""One part of a recording: a sound file with its events beside it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from emotiond.dsp.types import FloatArray
from emotiond.streamer.audio.wav import WavWriter
from emotiond.streamer.protocol.events import Event
from emotiond.streamer.recordings import names
from emotiond.streamer.recordings.json_lines import JsonLines
from emotiond.streamer.recordings.plan import EventForm
from emotiond.streamer.recordings.position import Position


class EventFile(Protocol):
    """Takes the events of a part, in one form."""

    size_bytes: int

    def add(self, event: Event, text: str) -> None:
        """Add an event, with its JSON."""

    def add_position(self, position: Position) -> None:
        """Add a position."""

    def flush(self) -> bool:
        """Write what is due. Returns whether nothing waits. Raises :class:`OSError`."""

    def close(self) -> None:
        """Write the rest and close the file. Raises :class:`OSError`."""


def _database(path: Path) -> EventFile:
    from emotiond.streamer.recordings.database import Database  # SQLite only where it is wanted

    return Database(path)


_FORMS: Mapping[EventForm, tuple[str, Callable[[Path], EventFile]]] = {
    "jsonl": (names.JSON_LINES, JsonLines),
    "sqlite": (names.DATABASE, _database),
}


class Part:
    """The files of one part. The sound may end before the events, which come later.

    Args:
        path: the sound file, which is not there yet.
        forms: in which the events are written.

    Raises:
        OSError: a file cannot be created. None is left behind.
    """

    def __init__(self, path: Path, forms: Iterable[EventForm]) -> None:
        self.path = path
        self.sound_seconds = 0.0
        self.end_seconds: float | None = None
        """Second of the stream at which the sound has ended; None while it goes on."""
        self.has_position = False
        """Whether it has begun with a position."""
        self._events: list[EventFile] = []
        self._sound: WavWriter | None = None
        made: list[Path] = []
        try:
            for form in forms:
                ending, open_file = _FORMS[form]
                made.append(names.beside(path, ending))
                self._events.append(open_file(made[-1]))
            made.append(path)
            self._sound = WavWriter(path)
            self._sound.lock()
        except BaseException as error:
            self._close_quietly()
            ours = made[:-1] if isinstance(error, FileExistsError) else made
            for each in ours:
                with contextlib.suppress(OSError):
                    each.unlink()
            raise

    @property
    def size_bytes(self) -> int:
        """Of all files of the part."""
        sound_bytes = 0 if self._sound is None else self._sound.size_bytes
        return sound_bytes + sum(each.size_bytes for each in self._events)

    @property
    def is_full(self) -> bool:
        """Whether the sound file can hold no more."""
        return self._sound is not None and self._sound.is_full

    def add_position(self, position: Position) -> None:
        """Note where the sound file stands."""
        self.has_position = True
        for each in self._events:
            each.add_position(position)

    def add_sound(self, samples: FloatArray) -> None:
        """Write samples, mono at 16 kHz, shape ``(n,)``.

        Raises:
            OSError: they cannot be written.
        """
        assert self._sound is not None
        self._sound.append(samples)
        self.sound_seconds = self._sound.seconds

    def add_event(self, event: Event, text: str) -> None:
        """Add an event."""
        for each in self._events:
            each.add(event, text)

    def flush(self) -> bool:
        """Write the events that are due. Returns whether none wait any more.

        Raises:
            OSError: they cannot be written.
        """
        done = True
        for each in self._events:
            done &= each.flush()
        return done

    def close(self) -> None:
        """Close all files, and remove them if nothing has been written.

        Raises:
            OSError: the last events cannot be written.
        """
        errors: list[OSError] = []
        for close in (*(each.close for each in self._events), self._close_sound):
            try:
                close()
            except OSError as error:
                errors.append(error)
        if not self.has_position:
            remove(self.path)
        if errors:
            raise errors[0]

    def _close_quietly(self) -> None:
        for each in self._events:
            with contextlib.suppress(OSError):
                each.close()
        self._close_sound()

    def _close_sound(self) -> None:
        if self._sound is not None:
            self._sound.close()


def open_first_free(paths: Iterable[Path], forms: Sequence[EventForm]) -> Part:
    """Open the first part of whose files none exists: nothing is overwritten.

    Raises:
        OSError: the files cannot be created.
    """
    for path in paths:
        if not any(os.path.lexists(names.beside(path, each)) for each in names.ALL):
            return Part(path, forms)
    raise AssertionError("there is always a further name")


def remove(path: Path) -> None:
    """Remove all files of a part that can be removed."""
    for ending in names.ALL:
        with contextlib.suppress(OSError):
            names.beside(path, ending).unlink()
