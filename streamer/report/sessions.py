"""Reads recorded sessions, as those who replay them do."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from emotiond.exceptions import ReportError, SourceError
from emotiond.inference.files import open_regular
from emotiond.streamer.protocol.events import Change, Emotion, Event, Status
from emotiond.streamer.recordings import names
from emotiond.streamer.recordings.position import Position
from emotiond.streamer.recordings.session import Damage, Session
from emotiond.streamer.report.track import STATUSES, Piece, Track, end_of, pack_event

_CUT_OFF = "its last line is cut off: what it held is missing"


def read_session(path: Path) -> tuple[list[Track], str | None]:
    """Read one part of a recording. Returns its tracks, and what is missing, None if nothing is.

    Raises:
        ReportError: it cannot be read, or is no recording.
    """
    try:
        session = Session(path)
        tracks = _Tracks(names.beside(path, names.SOUND))
        for entry in session.part():
            tracks.add(entry)
    except SourceError as error:
        raise ReportError(error.problem, error.remedy) from None
    return tracks.found, _remark(session.damage, tracks.left_out, path)


@dataclass
class _Tracks:
    sound: Path
    found: list[Track] = field(default_factory=list)
    left_out: int = 0
    """Events whose numbers are out of range."""
    _latest: dict[str, Track] = field(default_factory=dict)
    """By the name of the stream."""
    _status: dict[str, int] = field(default_factory=dict)

    def add(self, entry: Event | Position) -> None:
        """Add what a line holds. A stream that begins anew is a new track."""
        match entry:
            case Emotion(stream=stream):
                try:
                    event = pack_event(vars(entry))
                except (OverflowError, ValueError):
                    self.left_out += 1
                    return
                track = self._track(stream)
                if track.rows and end_of(event.row) < end_of(track.rows[-1]):
                    del self._latest[stream]
                    track = self._track(stream)
                track.add(event, self._status.get(stream, 0))
            case Status(stream=stream, status=status):
                self._status[stream] = STATUSES.index(status)
            case Position(stream=stream, file_seconds=file, stream_seconds=at):
                self._track(stream).pieces.append(Piece(file, at))
            case Change():
                pass

    def _track(self, stream: str) -> Track:
        if stream not in self._latest:
            self._latest[stream] = Track(stream, str(self.sound), is_session=True)
            self.found.append(self._latest[stream])
        return self._latest[stream]


def _remark(damage: Damage, left_out: int, path: Path) -> str | None:
    if left_out:
        said = (
            "1 event is left out: its"
            if left_out == 1
            else f"{left_out:,} events are left out: their"
        )
        return f"{said} numbers are out of range"
    if damage.first is not None:
        others = f", and {damage.count - 1:,} more" if damage.count > 1 else ""
        return damage.first.removeprefix(f"{path}: ") + others
    return _CUT_OFF if _is_cut_off(path) else None


def _is_cut_off(path: Path) -> bool:
    if path.suffix != names.JSON_LINES:
        return False
    try:
        with open_regular(path) as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:  # it has vanished meanwhile
        return False
