"""One upload: a stream whose audio a client sends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from emotiond.streamer.audio.chunker import Chunk
from emotiond.streamer.protocol.requests import Start
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.streams.decider import Decision
from emotiond.streamer.streams.stream import Publish, Stream, Urgency
from emotiond.streamer.streams.summary import Summarizer
from emotiond.streamer.uploads.archive import EventLog
from emotiond.streamer.uploads.upload_source import UploadSource


class IdleTimer:
    """Calls back if a client sends no audio for a while. It runs from the start.

    Args:
        limit_seconds: the longest time without audio.
        on_idle: called in the event loop.
    """

    def __init__(self, limit_seconds: float, on_idle: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit_seconds = limit_seconds
        self._on_idle = on_idle
        self._timer = self._loop.call_later(limit_seconds, on_idle)

    def stop(self) -> None:
        """Wait for no audio: the client has sent some that is not processed yet."""
        self._timer.cancel()

    def restart(self) -> None:
        """Wait for audio again, the whole time."""
        self._timer.cancel()
        self._timer = self._loop.call_later(self._limit_seconds, self._on_idle)


class Recipient:
    """The client that gets the events of an upload, and the log of the events."""

    def __init__(self, client: Connection, start: Start) -> None:
        self.client = client
        self.start = start
        self.log = EventLog()
        self.ended = asyncio.Event()
        """Set after the last event is sent."""


class Upload(Stream):
    """A stream that summarizes its decisions and informs its source when there is room again.

    Args:
        name: the name of the stream.
        to: the client that sends the audio and gets the events.
        stride_samples: the stride, in samples at 16 kHz.
        publish: takes the events. It must not refer to the upload, which would outlive its end.
        idle_timer: ends the upload if no audio comes.
    """

    source: UploadSource

    def __init__(
        self,
        name: str,
        to: Recipient,
        stride_samples: int,
        publish: Publish,
        idle_timer: IdleTimer,
    ) -> None:
        self.to = to
        self.idle_timer = idle_timer
        self.is_file = to.start.purpose == "file"
        sound = UploadSource(to.start.sample_rate, to.start.channels, lossless=self.is_file)
        super().__init__(name, sound, self.is_file, stride_samples, publish)
        self.urgency = Urgency.FILE if self.is_file else Urgency.CLIENT
        self.summarizer = Summarizer()
        self.is_complete = False
        """Whether the client has sent all."""

    def emit(self, chunk: Chunk, decision: Decision) -> None:
        if decision.stride.is_new:
            self.summarizer.add(decision)
        super().emit(chunk, decision)
        self.source.make_room()
