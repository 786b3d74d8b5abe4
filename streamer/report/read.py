"""Reads what a report is made of: results of ``analyze --format json``, and recorded sessions."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emotiond.exceptions import ReportError, printable
from emotiond.streamer.report.track import STATUSES, Event, Piece, Track, pack_event

_RESULTS = "emotiond analyze --format json --level files FILE"
_KINDS = "emotiond analyze --format json FILE, or emotiond --record FILE.wav"
_LONGEST_LINE_BYTES = 2**28  # a result of a day and a half
_SOUND_SUFFIX = ".wav"


@dataclass
class Read:
    """What was read of one file."""

    tracks: list[Track]
    remark: str | None = None
    """What is missing of it, for the user; None if nothing is."""


def read(path: Path) -> Read:
    """Read a file of JSON lines: results, or a session. A last line that is cut off is left out.

    Raises:
        ReportError: it cannot be read, or is neither.
    """
    try:
        with path.open("rb") as file:
            return _read(path, iter(lambda: file.readline(_LONGEST_LINE_BYTES + 1), b""))
    except (OSError, ValueError) as error:  # ValueError: an impossible file name
        problem = getattr(error, "strerror", None) or str(error)
        raise ReportError(f"cannot read {path} ({problem})", "Name a file of results") from None


def _read(path: Path, lines: Iterator[bytes]) -> Read:
    results, session = _Results(), _Session(str(path.with_suffix(_SOUND_SUFFIX)))
    kind: str | None = None
    remark: str | None = None
    for number, line in enumerate(lines, 1):
        if len(line) > _LONGEST_LINE_BYTES:
            raise ReportError(f"{path}: line {number} is far too long", f"Make one by: {_KINDS}")
        if not line.strip():
            continue
        try:
            found: Any = json.loads(line, object_hook=_pack)
            is_event = isinstance(found, Event) or "type" in found
            if not is_event and "events" not in found and "label" in found:
                raise ReportError(
                    f"{path}: line {number} is a segment or a stride",
                    f"Make results by: {_RESULTS}",
                )
            this = "session" if is_event else "results"
            if kind in (None, this):
                (session if is_event else results).add(found)
                kind = this
                continue
        except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
            if kind is None or line.endswith(b"\n"):
                raise ReportError(
                    f"{path}: line {number} is no result and no event of a session",
                    f"Make one by: {_KINDS}",
                ) from None
            remark = f"its last line, {number}, is cut off: what it held is missing"
            continue
        raise ReportError(
            f"{path}: it holds both results and a session, from line {number} on",
            "Put them into two files, and name both",
        )
    tracks = [*results.tracks.values(), *session.tracks]
    if kind is None:
        raise ReportError(f"{path}: there is nothing in it", f"Make one by: {_KINDS}")
    return Read(tracks, remark)


def _pack(found: dict[str, Any]) -> Any:
    """Pack an event as soon as it is parsed: those of ten hours would take 500 MB."""
    return pack_event(found) if found.get("type") == "emotion" else found


@dataclass
class _Results:
    tracks: dict[object, Track] = field(default_factory=dict)

    def add(self, result: dict[str, Any]) -> None:
        """Add a result. Segments of the same speaker in the same file share a track."""
        file, duration, speaker = result["file"], result["duration"], result.get("speaker")
        channel = result.get("channel")
        if not isinstance(file, str) or not isinstance(channel, int | None):
            raise TypeError
        speaker = None if speaker is None else str(speaker)
        is_segment = result.get("start") is not None
        key = (file, channel, speaker) if is_segment else len(self.tracks)
        track = self.tracks.get(key)
        if track is None:
            track = Track(file, file, is_session=False, speaker=speaker, channel=channel)
            self.tracks[key] = track
        end = float(result["end"]) if is_segment else float(duration)
        if not (math.isfinite(end) and end >= 0):
            raise ValueError(end)
        track.duration_seconds = max(track.duration_seconds, end)
        for event in result["events"]:
            if isinstance(event, Event):
                track.add(event)
            elif event["type"] != "change":
                raise ValueError


@dataclass
class _Session:
    sound: str
    tracks: list[Track] = field(default_factory=list)
    latest: dict[str, Track] = field(default_factory=dict)
    """By the name of the stream."""
    status: dict[str, int] = field(default_factory=dict)
    last_row: dict[str, bytes] = field(default_factory=dict)

    def add(self, found: dict[str, Any] | Event) -> None:
        """Add a line. A stream that begins anew, as of another daemon, has a track of its own."""
        if isinstance(found, Event):
            track = self._track(found.stream)
            if track.rows and _end_of(found.row) < _end_of(track.rows[-1]):
                del self.latest[found.stream]
                track = self._track(found.stream)
            track.add(found, self.status.get(found.stream, 0))
        elif found["type"] == "status":
            self.status[str(found["stream"])] = STATUSES.index(found["status"])
        elif found["type"] == "recording":
            piece = Piece(float(found["file_seconds"]), float(found["stream_seconds"]))
            self._track(str(found["stream"])).pieces.append(piece)

    def _track(self, stream: str) -> Track:
        if stream not in self.latest:
            self.latest[stream] = Track(stream, self.sound, is_session=True)
            self.tracks.append(self.latest[stream])
        return self.latest[stream]


def _end_of(row: bytes) -> int:
    """The end of an event, the second column."""
    return int.from_bytes(row[8:16], "little", signed=True)


def describe(path: Path, found: Read) -> str | None:
    """Return what to tell of a file that is not whole, in one line."""
    return None if found.remark is None else printable(f"{path}: {found.remark}")
