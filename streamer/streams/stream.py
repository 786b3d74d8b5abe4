"""One stream in the daemon: a source's ring, its pipeline, and what it says of itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence

from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.audio.chunker import Chunk, Chunker
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.protocol.events import Event, Status, StreamStatus
from emotiond.streamer.sources.source import Source
from emotiond.streamer.streams.overload import KEPT_SECONDS, MOST_LAG_SECONDS, STRETCHES, Overload
from emotiond.streamer.streams.pipeline import EventBuilder, Pipeline, Timing, Verdict

_log = logging.getLogger(__name__)

RING_SECONDS = 10.0
"""Of sound that a stream may lag behind before the oldest is overwritten."""

Publish = Callable[[str, Sequence[Event], bool], None]
"""Takes a stream's name, its events, and whether to wait until they are delivered."""


class Stream:
    """Carries one source's sound through its pipeline.

    Args:
        name: unique among the daemon's streams.
        source: of the sound.
        lossless: whether the source waits for the pipeline, and the pipeline for its outputs.
        stride_samples: at 16 kHz.
        publish: where events go; called from the worker's and from the source's thread.
    """

    def __init__(
        self, name: str, source: Source, lossless: bool, stride_samples: int, publish: Publish
    ) -> None:
        self.name = name
        self.source = source
        self._lossless = lossless
        self._stride_samples = stride_samples
        self._overload = Overload()
        self._publish = publish
        self._event_builder = EventBuilder(name)
        self._publishing = threading.RLock()  # seq and order of events, across two threads
        seconds = max(RING_SECONDS, 2 * max(STRETCHES) * stride_samples / SAMPLE_RATE)
        capacity = round(seconds * source.sample_rate)
        self.ring = Ring(capacity, source.channels, source.sample_rate)
        self.chunker = Chunker(self.ring, stride_samples)
        self.finished = threading.Event()
        """Set once the last event has been published."""
        self._on_finish: Callable[[], object] = lambda: None
        self.status: StreamStatus | None = None
        self._source_status: StreamStatus = "running"
        self.failure: str | None = None
        """Why the stream ended early; None while it runs and after a proper end."""

    def start(self, pipeline: Pipeline) -> None:
        """Begin to listen."""
        self.pipeline = pipeline
        self.source.start(self.ring, self._on_source_status)
        if self._source_status == "running":
            self.publish_status("running")  # only now it is known how the device was opened

    def stop(self) -> None:
        """End the sound; what was heard so far is still worked off."""
        self.source.stop()
        self.ring.end()

    @property
    def stride_seconds(self) -> float:
        """From one judgement to the next; longer than was set while the machine is too slow."""
        return self.chunker.stretch * self._stride_samples / SAMPLE_RATE

    def next_chunk(self) -> Chunk | None:
        """What is to be judged next, if it is there; live, what waits behind it stays little."""
        chunk = self.chunker.next_chunk()
        if chunk is not None and not self._lossless:
            self._relieve(chunk)
        return chunk

    def emit(self, chunk: Chunk, verdict: Verdict) -> None:
        """Publish the events of a chunk; an empty last one has none."""
        if chunk.samples.shape[0]:
            with self._publishing:
                if self.finished.is_set():
                    return
                events = self._event_builder.build(verdict, self._timing(verdict.stride.end_sample))
                self._publish(self.name, events, self._lossless)
        if chunk.last:
            self.end(self.source.failure)

    def end(self, failure: str | None, detail: str = "") -> None:
        """Publish the end; nothing is published after it.

        Args:
            failure: its cause, if something went wrong.
            detail: what is to be said of it otherwise.
        """
        with self._publishing:
            if self.finished.is_set():
                return
            self.failure = failure
            if failure is not None:
                _log.error("%s: %s", self.name, failure)
            self.publish_status("ended", failure or detail)
            self.finished.set()
        with contextlib.suppress(RuntimeError):  # the loop that waits has ended before
            self._on_finish()

    async def wait_until_finished(self) -> None:
        """Wait for the last event. No thread waits: of those that a loop has, there are few."""
        loop, finished = asyncio.get_running_loop(), asyncio.Event()
        self._on_finish = lambda: loop.call_soon_threadsafe(finished.set)
        if not self.finished.is_set():
            await finished.wait()

    def publish_status(self, status: StreamStatus, detail: str = "") -> None:
        """Publish how the stream is doing."""
        self.status = status
        about = self.source.about
        with self._publishing:
            event = Status(
                self._event_builder.next_seq(),
                self.name,
                status,
                detail or about.detail,
                about.device,
                about.device_latency_ms,
                about.demo,
            )
            self._publish(self.name, [event], self._lossless)

    def report(self, detail: str) -> None:
        """Tell of something beside the stream, which goes on as it does."""
        if self.status is not None and not self.finished.is_set():
            self.publish_status(self.status, detail)

    def _on_source_status(self, status: StreamStatus, detail: str) -> None:
        self._source_status = status
        if status == "running" and self._overload.level:
            self._publish_overload()
        elif not self.finished.is_set():
            self.publish_status(status, detail)

    def _relieve(self, chunk: Chunk) -> None:
        """Judge less often, or give up the oldest sound, where the worker does not keep up."""
        lag_seconds = self.chunker.lag_seconds
        changed = self._overload.observe(lag_seconds, chunk.samples.shape[0] / SAMPLE_RATE)
        self.chunker.stretch = self._overload.stretch
        if self._overload.loses and lag_seconds > MOST_LAG_SECONDS[-1]:
            self.chunker.drop_oldest(KEPT_SECONDS)
        if changed and self._source_status == "running":
            self._publish_overload()

    def _publish_overload(self) -> None:
        if self._overload.level == 0:
            self.publish_status("running")
            return
        lost = " and sound is lost" if self._overload.loses else ""
        self.publish_status(
            "overload",
            f"the machine is too slow: it judges every {self.stride_seconds:g} s{lost}. "
            "Use --model lite, a longer --stride or fewer sources, or end other programs.",
        )

    def _timing(self, end_sample: int) -> Timing:
        now_unix, dropped = time.time(), self.chunker.dropped_samples
        captured = None if self._lossless else self.chunker.capture_time(end_sample)
        if captured is None:
            return Timing(now_unix, None, dropped)
        age_seconds = time.monotonic() - captured
        return Timing(now_unix - age_seconds, age_seconds * 1000, dropped)
