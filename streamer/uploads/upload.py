"""One upload: a stream whose audio a client sends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from emotiond.streamer.audio.chunker import Chunk
from emotiond.streamer.protocol.requests import Start
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.streams.pipeline import Verdict
from emotiond.streamer.streams.stream import Stream
from emotiond.streamer.streams.summary import Summarizer
from emotiond.streamer.uploads.archive import EventLog
from emotiond.streamer.uploads.source import UploadSource


class Recipient:
    """The client that gets the events of an upload, and the log of the events."""

    def __init__(self, client: Connection, start: Start) -> None:
        self.client = client
        self.start = start
        self.log = EventLog()
        self.ended = asyncio.Event()
        """Set after the last event is sent."""


class Upload(Stream):
    """A stream that summarizes its verdicts and tells its source when there is room again."""

    source: UploadSource

    def __init__(
        self, name: str, to: Recipient, stride_samples: int, publish: Callable[..., None]
    ) -> None:
        self.to = to
        self.is_file = to.start.purpose == "file"
        sound = UploadSource(to.start.sample_rate, lossless=self.is_file)
        super().__init__(name, sound, self.is_file, stride_samples, publish)
        self.summarizer = Summarizer()
        self.last_audio_at = asyncio.get_running_loop().time()
        """When the client last sent audio, in the loop's time; infinite while audio waits."""
        self.idle_check: asyncio.TimerHandle | None = None
        """The next check whether the client has stopped sending."""

    def emit(self, chunk: Chunk, verdict: Verdict) -> None:
        self.summarizer.add(verdict)
        super().emit(chunk, verdict)
        self.source.make_room()
