"""Reads what a report is made of: results of ``analyze``, and recorded sessions."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Any

from emotiond.exceptions import ReportError, printable
from emotiond.streamer.batch.kept_results import is_kept, read_kept
from emotiond.streamer.recordings import names
from emotiond.streamer.report.lines import Line, TooLongError
from emotiond.streamer.report.sessions import read_session
from emotiond.streamer.report.track import Event, Track, pack_event

_RESULTS = "emotiond analyze --format json FILE"
_KINDS = f"{_RESULTS}, or emotiond --record FILE.wav"
LONGEST_SECONDS = 7 * 86_400.0
"""Of a recording in results: ``analyze`` reads a day at most. The page has a mark every 6 hours."""
MOST_TRACKS = 100_000
"""Of a file of results."""
MOST_EVENTS = 3_000_000
"""Of a file of results: 200 hours. Each recording of kept results has all events of its own, and
many may share one that is small."""
_WANTED = frozenset(
    ("type", "label", "file", "speaker", "channel", "duration", "start", "end"),
)
"""Of a line, beside its events. Others, of any number, take no memory."""
_SQLITE, _PARQUET, _WAVE = b"SQLite format 3\0", b"PAR1", b"RIFF"


class _TimeError(ValueError):
    """A time that no recording has. The text says which."""


@dataclass
class Read:
    """What was read of one file."""

    tracks: list[Track]
    remark: str | None = None
    """What is missing of it, for the user; None if nothing is."""


def read(path: Path) -> Read:
    """Read results, kept results of a run, or a part of a recorded session.

    A table, and a folder with a file for each recording, hold less than a report shows: what
    ``analyze`` keeps beside them is read instead.

    Raises:
        ReportError: it cannot be read, or is nothing of the kind.
        ResultError: the results that are kept cannot be read.
    """
    try:
        if path.is_dir():
            return _beside(path, "it is a folder")
        with path.open("rb") as file:
            head = file.peek(1)
            if head.startswith(_SQLITE):
                return _kept(path) if is_kept(path) else Read(*read_session(path))
            if head.startswith(_WAVE) and path.suffix.lower() == names.SOUND:
                return Read(*read_session(path))
            if head.startswith(_PARQUET) or _is_table(head):
                return _beside(path, "it is a table, which has no level and no unsmoothed score")
            return _read_lines(path, file)
    except (OSError, ValueError) as error:  # ValueError: an impossible file name
        problem = getattr(error, "strerror", None) or str(error)
        raise ReportError(f"cannot read {path} ({problem})", "Name a file of results") from None


def _is_table(head: bytes) -> bool:
    """Return whether this is the beginning of a table of ours in CSV."""
    columns = head.partition(b"\n")[0].rstrip(b"\r").split(b",")
    return {b"file", b"label", b"confidence"} <= {*columns}


def _beside(path: Path, problem: str) -> Read:
    """Return what is kept beside an output of ``analyze``."""
    kept = path.absolute().with_name(f"{path.absolute().name}.sqlite")
    if kept.is_file():
        return _kept(kept)
    raise ReportError(
        f"{path}: {problem}, and {kept.name}, which has everything, is not beside it",
        f"Make results: {_RESULTS}",
    )


def _kept(path: Path) -> Read:
    results = _Results()
    for result in read_kept(path):
        try:
            results.add({**result, "events": _shown(map(_pack, result["events"]))})
        except _TimeError as error:
            problem = f"{path}: the result of {result['file']} {error}, which no recording has"
            raise ReportError(problem, "Analyze once more") from None
        except (ArithmeticError, LookupError, TypeError, ValueError):
            raise ReportError(f"{path}: it is damaged", "Analyze once more") from None
    return Read([*results.tracks.values()])


def _read_lines(path: Path, file: BufferedReader) -> Read:
    results, count, remark = _Results(), 0, None
    for number in itertools.count(1):
        if not file.peek(1):
            break
        line = Line(file, _pack)
        try:
            if line.is_blank():
                continue
            found = _object_in(line)
            if "type" in found:
                if not count:
                    return Read(*read_session(path))
                raise ReportError(
                    f"{path}: it holds both results and a session, from line {number} on",
                    "Put them into two files, and name both",
                )
            if "events" not in found and "label" in found:
                return _beside(path, f"line {number} is a segment or a stride")
            results.add(found)
            count += 1
        except _TimeError as error:
            problem = f"{path}: line {number} {error}, which no recording has"
            raise ReportError(problem, f"Make one by: {_KINDS}") from None
        except TooLongError:
            problem = f"{path}: line {number} is damaged, or holds what is far too long"
            raise ReportError(problem, f"Make one by: {_KINDS}") from None
        except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
            line.skip()
            if not count or line.has_end or not line.is_read:
                raise ReportError(
                    f"{path}: line {number} is no result and no event of a session",
                    f"Make one by: {_KINDS}",
                ) from None
            remark = f"its last line, {number}, is cut off: what it held is missing"
    if not count:
        raise ReportError(f"{path}: there is nothing in it", f"Make one by: {_KINDS}")
    return Read([*results.tracks.values()], remark)


def _object_in(line: Line) -> Mapping[str, Any]:
    """Return what is wanted of a line; of the events, those that are shown."""
    found: dict[str, Any] = {}
    for name, value in line.members():
        if name == "events":
            found[name] = [*_shown(value)]
        elif name in _WANTED:
            found[name] = value
    return found


def _shown(events: Iterable[Any]) -> Iterator[Event]:
    """Leave out the changes of label, which follow from the other events."""
    for event in events:
        if isinstance(event, Event):
            yield event
        elif event["type"] != "change":
            raise ValueError(event)


def _pack(found: Mapping[str, Any]) -> Any:
    """Pack an event as soon as it is parsed: those of ten hours would take 500 MB.

    One that cannot be packed stays as it is: no result has it, and a session does without it.
    """
    if found.get("type") == "emotion":
        with contextlib.suppress(ArithmeticError, LookupError, TypeError, ValueError):
            return pack_event(found)
    return found


@dataclass
class _Results:
    tracks: dict[object, Track] = field(default_factory=dict)
    segments: set[int] = field(default_factory=set)
    """The hash of each, since a million of them take little room so."""
    events: int = 0

    def add(self, result: Mapping[str, Any]) -> None:
        """Add a result. Segments of the same speaker in the same file share a track.

        A segment counts once, in however many rows of a table it stood.
        """
        file, speaker, channel = result["file"], result.get("speaker"), result.get("channel")
        times = [_seconds_of(result, "duration")]
        if not isinstance(file, str) or not isinstance(channel, int | None):
            raise TypeError
        speaker = None if speaker is None else str(speaker)
        is_segment = result.get("start") is not None
        if is_segment:
            times += _seconds_of(result, "start"), _seconds_of(result, "end")
        key = (file, channel, speaker) if is_segment else len(self.tracks)
        if is_segment:
            segment = hash((key, *times))
            if segment in self.segments:
                return
            self.segments.add(segment)
        track = self.tracks.get(key)
        if track is None:
            if len(self.tracks) == MOST_TRACKS:
                raise ReportError(
                    f"the results are of more than {MOST_TRACKS:,} recordings",
                    "Make several reports, each of a part of them",
                )
            track = Track(file, file, is_session=False, speaker=speaker, channel=channel)
            self.tracks[key] = track
        track.duration_seconds = max(track.duration_seconds, times[-1])
        for event in result["events"]:
            if not 0 <= event.end_seconds <= LONGEST_SECONDS:
                raise _TimeError(f"has an event that ends at {event.end_seconds:g} s")
            self.events += 1
            if self.events > MOST_EVENTS:
                raise ReportError(
                    f"the results have more than {MOST_EVENTS:,} events",
                    "Make several reports, each of a part of them",
                )
            track.add(event)


def _seconds_of(result: Mapping[str, Any], name: str) -> float:
    value = result[name]
    if type(value) not in (int, float):
        raise TypeError(value)
    if not 0 <= value <= LONGEST_SECONDS:  # NaN neither
        raise _TimeError(f"has a time of {value!r:.20} s ({name})")
    return float(value)


def describe(path: Path, found: Read) -> str | None:
    """Return what to tell of a file that is not whole, in one line."""
    return None if found.remark is None else printable(f"{path}: {found.remark}")
