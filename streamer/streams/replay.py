"""A stream of events that were recorded: it takes the place of a stream of sound."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator, Sequence

from emotiond.exceptions import SourceError, cause_of
from emotiond.streamer.protocol.events import Change, Emotion, Event, Status, StreamStatus
from emotiond.streamer.sources.source import EventSource
from emotiond.streamer.streams.finish import Finish
from emotiond.streamer.streams.stream import Publish, Stream

MOST_BETWEEN = 8
"""Changes and statuses between two ``emotion`` events. What is beyond is left out."""
CLOSEST_SECONDS = 0.005
"""From one ``emotion`` to the next. What is closer is left out: no daemon makes it."""

_LONGEST_STRIDE_SECONDS = 10.0
_LONGEST_WAIT_SECONDS = 60.0  # at once
_STOP_SECONDS = 0.2


class Replay:
    """Publishes recorded events with their own timing, marked as a replay, in a thread of its own.

    The events keep their positions and their capture times. They are counted anew, since the
    recording may lack some. Where it begins again, or goes back in time, positions go on.

    Args:
        name: unique among the daemon's streams.
        source: has the events.
        lossless: whether each event waits until every output has room.
        stride_seconds: from one event to the next, until the recording says it.
        publish: takes the events. The thread calls it.
    """

    def __init__(
        self,
        name: str,
        source: EventSource,
        lossless: bool,
        stride_seconds: float,
        publish: Publish,
    ) -> None:
        self.name = name
        self.source = source
        self.stride_seconds = stride_seconds
        """From one ``emotion`` to the next, as it was recorded."""
        self.lag_seconds = 0.0
        self.dropped_samples = 0
        """As the last ``emotion`` says."""
        self.trouble: str | None = None
        self.status: StreamStatus | None = None
        self.failure: str | None = None
        """Why it ended early; None while it runs and after a regular end."""
        self.finished = Finish()
        """Set after the last event is published."""
        self._lossless = lossless
        self._publish_all = publish
        self._seq = 0
        self._offset_seconds = 0.0  # what is added to recorded positions
        self._last_end: float | None = None  # of an ``emotion``, as published
        self._begin: tuple[float, float] | None = None  # monotonic time, and position then
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="emotiond-replay", daemon=True)

    def start(self) -> None:
        """Begin to publish."""
        self._thread.start()

    def stop(self) -> None:
        """End within a moment. It may not have begun."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    async def wait_until_finished(self) -> None:
        """Wait for the last event."""
        await self.finished.wait_in_loop()

    def _run(self) -> None:
        try:
            self._play()
        except Exception as error:  # whatever it is, the stream ends with its cause
            self.failure = self.source.failure = cause_of(error)
        self._publish(Status(0, self.name, "ended", self.failure or "", None, None, False))
        self.finished.set()

    def _play(self) -> None:
        while not self._stop.is_set():
            has_sound = False
            for group in _groups(self.source.read()):
                if self._stop.is_set():
                    return
                has_sound |= self._play_group(group, is_first=not has_sound)
            if not has_sound:
                raise SourceError("the recording holds no emotion event", "Name another one")
            if not self.source.loop:
                return

    def _play_group(self, group: _Group, is_first: bool) -> bool:
        """Publish an ``emotion`` when it is due, with what belongs to it.

        Returns:
            Whether there was an ``emotion``.
        """
        if group.emotion is None:
            return False
        if is_first and self.status != "running":
            self._publish(Status(0, self.name, "running", "", None, None, False))
        if self._wait_for(group.emotion, is_first):
            for event in group.events:
                self._publish(event)
        return True

    def _wait_for(self, emotion: Emotion, is_first: bool) -> bool:
        """Wait until an ``emotion`` is due. Returns False if it never is, or the replay ends."""
        end, last = emotion.end + self._offset_seconds, self._last_end
        if last is not None:
            if is_first or end < last:
                self._offset_seconds += last + self.stride_seconds - end
                end = last + self.stride_seconds
            elif end - last < CLOSEST_SECONDS:
                return False
            elif end - last <= _LONGEST_STRIDE_SECONDS:
                self.stride_seconds = round(end - last, 4)
        self._last_end = end
        self.dropped_samples = emotion.dropped_samples
        return self._wait_until(end)

    def _wait_until(self, position: float) -> bool:
        now, speed = time.monotonic(), self.source.speed
        begin_seconds, begin_position = self._begin = self._begin or (now, position)
        if speed is None:
            return not self._stop.is_set()
        due_seconds = begin_seconds + (position - begin_position) / speed
        while (wait_seconds := due_seconds - time.monotonic()) > 0:
            if self._stop.wait(min(wait_seconds, _LONGEST_WAIT_SECONDS)):
                return False
        return not self._stop.is_set()

    def _publish(self, event: Event) -> None:
        seconds, seq = self._offset_seconds, self._seq
        self._seq += 1
        about = self.source.about
        if isinstance(event, Emotion):
            event = dataclasses.replace(
                event, start=event.start + seconds, end=event.end + seconds, age_ms=None
            )
        elif isinstance(event, Change):
            event = dataclasses.replace(event, at=event.at + seconds)
        else:
            self.status = event.status
            event = dataclasses.replace(
                event,
                detail=event.detail or (about.detail if event.status == "running" else ""),
                device=None,
                device_latency_ms=None,
            )
        event = dataclasses.replace(event, seq=seq, stream=self.name, replay=True)
        self._publish_all(self.name, [event], self._lossless)


@dataclasses.dataclass(frozen=True)
class _Group:
    """An ``emotion`` with what is published together with it."""

    emotion: Emotion | None
    """None at the end of the recording."""
    events: Sequence[Event]


def _groups(events: Iterator[Event]) -> Iterator[_Group]:
    """Yield each ``emotion`` with what was published around it.

    Changes have no time of their own but that of the ``emotion`` before. Statuses have none at all:
    of those between two, the first comes with the ``emotion`` before (the microphone is lost), the
    others with the one after (it is back). The end of the recorded stream is left out: this one
    ends by itself. So are the statuses before its first ``emotion``.
    """
    emotion: Emotion | None = None
    now: list[Event] = []  # is published with that one
    later: list[Event] = []  # with the next one
    between, has_status = 0, False
    for event in events:
        if isinstance(event, Emotion):
            if emotion is not None:
                yield _Group(emotion, now)
            now, later = [*later, event], []
            emotion, between, has_status = event, 0, False
        elif emotion is None or between >= MOST_BETWEEN:
            continue
        elif isinstance(event, Change):
            between += 1
            now.append(event)
        elif event.status != "ended":
            between += 1
            (later if has_status else now).append(event)
            has_status = True
    yield _Group(emotion, now)


OwnStream = Stream | Replay
"""A stream of the daemon's own: of sound, or of recorded events."""
