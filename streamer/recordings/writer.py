"""Writes one recording: which sound and which event goes into which part."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from emotiond.dsp.types import FloatArray
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.protocol.events import Event, position_of_event
from emotiond.streamer.recordings import names
from emotiond.streamer.recordings.part import Part, open_first_free
from emotiond.streamer.recordings.plan import Plan, is_another_day
from emotiond.streamer.recordings.position import Position
from emotiond.streamer.recordings.quota import Quota


class RecordingWriter:
    """Writes sound and events into parts. It belongs to one thread.

    Events come later than their sound. So a part whose sound has ended stays open until the first
    event that belongs to the next part: an event lies where its stride's sound ends. Each event is
    written once, and in the order in which it came.

    Args:
        wanted: the sound file as ``--record`` names it.
        stream: the name of the stream.
        plan: how it is divided.
        now: returns Unix time.

    Raises:
        OSError: the first part cannot be created.
        ValueError: no file can have this name.
    """

    def __init__(self, wanted: Path, stream: str, plan: Plan, now: Callable[[], float]) -> None:
        self._wanted = wanted
        self._stream = stream
        self._plan = plan
        self._now = now
        self._session = uuid.uuid4().hex
        self._count = 0  # of parts
        self._stamp_seconds = 0.0  # Unix time in the newest name
        self._earlier: Part | None = None  # its sound has ended, its events may still come
        self.sound_end_seconds = 0.0
        """Second of the stream up to which its sound is written."""
        self.quota = None if plan.quota_bytes is None else Quota(wanted, stream, plan.quota_bytes)
        self._part = self._open(now())

    @property
    def path(self) -> Path:
        """The sound file that is being written."""
        return self._part.path

    @property
    def present_paths(self) -> Sequence[Path]:
        """The sound files of all parts that are open."""
        return [part.path for part in (self._earlier, self._part) if part is not None]

    @property
    def seconds(self) -> float:
        """Duration of the sound in that file."""
        return self._part.sound_seconds

    @property
    def parts(self) -> int:
        """Number of parts so far."""
        return self._count

    def add_sound(
        self, samples: FloatArray, stream_seconds: float, after_cut: bool, unix_seconds: float
    ) -> None:
        """Write samples, mono at 16 kHz, shape ``(n,)``. They may begin a new part.

        Args:
            samples: at least one.
            stream_seconds: second of the stream at which they begin.
            after_cut: whether samples are missing before them.
            unix_seconds: when the first of them was captured.

        Raises:
            OSError: they cannot be written.
        """
        if self._part.sound_seconds and self._is_due(2 * samples.shape[0], unix_seconds):
            self._begin_part(unix_seconds)
        if after_cut or not self._part.sound_seconds:
            self._add_position(stream_seconds, unix_seconds)
        self._part.add_sound(samples)
        self.sound_end_seconds = stream_seconds + samples.shape[0] / SAMPLE_RATE

    def add_event(self, event: Event, text: str) -> None:
        """Write an event into the part in which its sound ends.

        Args:
            event: that of a ``status`` is where the event before it is.
            text: the same as JSON.

        Raises:
            OSError: an earlier part cannot be closed.
        """
        earlier, position = self._earlier, position_of_event(event)
        if earlier is not None:
            if position is None or position <= (earlier.end_seconds or 0.0):
                earlier.add_event(event, text)
                return
            self._close_earlier()
        if not self._part.has_position:  # there is no sound yet
            self._add_position(self.sound_end_seconds, self._now())
        self._part.add_event(event, text)

    def flush(self) -> bool:
        """Write what is due, and keep to the quota. Returns whether nothing waits any more.

        Raises:
            OSError: it cannot be written.
        """
        done = True
        for part in self._open_parts():
            done &= part.flush()
        if self.quota is not None:
            self.quota.keep(self._part.path, self._part.size_bytes)
        return done

    def close(self) -> None:
        """Close all files. A part without any content is removed.

        Raises:
            OSError: the last events cannot be written. All files are closed all the same.
        """
        with contextlib.ExitStack() as stack:
            for part in self._open_parts():
                stack.callback(part.close)

    def _open_parts(self) -> Iterator[Part]:
        if self._earlier is not None:
            yield self._earlier
        yield self._part

    def _is_due(self, more_bytes: int, unix_seconds: float) -> bool:
        most_bytes = self._plan.most_part_bytes
        is_large = most_bytes is not None and self._part.size_bytes + more_bytes > most_bytes
        is_old = self._plan.by_day and is_another_day(self._begin_unix_seconds, unix_seconds)
        return self._part.is_full or is_large or is_old

    def _begin_part(self, unix_seconds: float) -> None:
        self._close_earlier()  # its events are overdue by a whole part
        self._earlier, ended = None, self._part
        self._part = self._open(unix_seconds)
        ended.end_seconds = self.sound_end_seconds
        self._earlier = ended

    def _close_earlier(self) -> None:
        if self._earlier is not None:
            ended, self._earlier = self._earlier, None
            ended.close()

    def _open(self, unix_seconds: float) -> Part:
        if self._plan.rotates:  # in order also where the clock is set back
            stamp_seconds = max(unix_seconds, self._stamp_seconds + 1)
            part = open_first_free(names.stamped(self._wanted, stamp_seconds), self._plan.forms)
            self._stamp_seconds = stamp_seconds
        else:
            part = open_first_free(names.numbered(self._wanted), self._plan.forms)
        self._count += 1
        self._begin_unix_seconds = unix_seconds
        return part

    def _add_position(self, stream_seconds: float, unix_seconds: float) -> None:
        self._part.add_position(
            Position(
                stream=self._stream,
                file_seconds=round(self._part.sound_seconds, 4),
                stream_seconds=round(stream_seconds, 4),
                time=round(unix_seconds, 4),
                session=self._session,
                part=self._count,
            )
        )
