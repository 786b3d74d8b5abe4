"""One stream in the daemon: a source, its ring, its pipeline and its status."""

from __future__ import annotations

import enum
import logging
import threading
import time
from collections.abc import Callable, Sequence

from emotiond.inference.card import SAMPLE_RATE
from emotiond.inference.classifier import Classifier
from emotiond.streamer.audio.chunker import Chunk, Chunker
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.protocol.events import Event, Status, StreamStatus
from emotiond.streamer.sources.source import Source
from emotiond.streamer.sparing_log import SparingLog
from emotiond.streamer.streams.decider import Decision
from emotiond.streamer.streams.event_builder import EventBuilder, Timing
from emotiond.streamer.streams.finish import Finish
from emotiond.streamer.streams.overload import KEPT_SECONDS, MOST_LAG_SECONDS, STRETCHES, Overload
from emotiond.streamer.streams.pipeline import Pipeline

_log = logging.getLogger(__name__)
_LOSSES_A_MINUTE = 5  # of the same words, that are logged: a server can begin and end as it likes

_MOST_SECONDS_LOST = 3.0  # of a device, after which its stream is in trouble

RING_SECONDS = 8.0
"""Largest lag of a stream. Beyond it, the oldest audio is overwritten."""

Publish = Callable[[str, Sequence[Event], bool], None]
"""Takes the name of a stream, its events, and whether to wait until they are delivered."""


class Urgency(enum.Enum):
    """Who is served first by a worker, in this order."""

    OWN = "a live stream of the daemon"
    CLIENT = "a live stream that a client sends"
    FILE = "sound that waits for the worker"


class Stream:
    """Turns the audio of one source into events.

    Args:
        name: unique among the daemon's streams.
        source: not started yet.
        lossless: whether the source waits for the pipeline, and the pipeline for its outputs.
        stride_samples: the stride, in samples at 16 kHz.
        publish: takes the events. The threads of the worker and of the source call it.
    """

    def __init__(
        self, name: str, source: Source, lossless: bool, stride_samples: int, publish: Publish
    ) -> None:
        self.name = name
        self.source = source
        self.urgency = Urgency.FILE if lossless else Urgency.OWN
        """When a worker serves it."""
        self._lossless = lossless
        self._stride_samples = stride_samples
        self._overload = Overload()
        self._publish = publish
        self._event_builder = EventBuilder(name, source.about.demo)
        self._publishing = threading.RLock()  # keeps the order of events across two threads
        seconds = max(RING_SECONDS, 2 * max(STRETCHES) * stride_samples / SAMPLE_RATE)
        capacity = round(seconds * source.sample_rate)
        self.ring = Ring(capacity, source.channels, source.sample_rate)
        self.chunker = Chunker(self.ring, stride_samples, source.about.live)
        self.finished = Finish()
        """Set after the last event is published."""
        self.status: StreamStatus | None = None
        self._source_status: StreamStatus = "running"
        self._source_detail = ""
        self._trouble_since: float | None = None  # without sound of use; muted time included
        self._logged_trouble = ""
        self._sparing_log = SparingLog(_log, at_once=_LOSSES_A_MINUTE)
        self.failure: str | None = None
        """Why the stream ended early; None while it runs and after a regular end."""

    def start(self) -> None:
        """Start the source."""
        self.source.start(self.ring, self._on_source_status)
        if self.source.switch is None:
            self.publish_status("running")

    def stop(self) -> None:
        """Stop the source. The audio that it has written is still processed."""
        self.source.stop()
        self.ring.end()

    @property
    def stride_seconds(self) -> float:
        """The present stride. It is longer than the configured one during an overload."""
        return self.chunker.stretch * self._stride_samples / SAMPLE_RATE

    @property
    def lag_seconds(self) -> float:
        """Sound that waits for the pipeline."""
        return self.chunker.lag_seconds

    @property
    def dropped_samples(self) -> int:
        """Samples lost since the stream began, at 16 kHz."""
        return self.chunker.dropped_samples

    @property
    def trouble(self) -> str | None:
        """Why no sound of use comes, although the source goes on; None if all is well.

        A lost device is a trouble after 3 s, what a source complains of while it runs at once.
        """
        if self.finished.is_set() or not self._source_detail:
            return None
        if self._source_status == "running":
            return f"{self.name}: {self._source_detail}"
        if self._source_status == "reconnecting" and self._trouble_since is not None:
            seconds = time.monotonic() - self._trouble_since
            if seconds > _MOST_SECONDS_LOST:
                return f"{self.name}: {self._source_detail} (for {seconds:.0f} s)"
        return None

    def process_next(self, pipeline: Pipeline, classifier: Classifier) -> bool:
        """Process the next chunk and publish its events. Returns False if it is incomplete.

        Args:
            pipeline: the same for all chunks of the stream.
            classifier: the model.
        """
        chunk = self.next_chunk()
        if chunk is None:
            return False
        self.emit(chunk, pipeline.process(chunk, classifier))
        return True

    def next_chunk(self) -> Chunk | None:
        """Return the next chunk, if it is complete. For a live stream, this limits the lag."""
        chunk = self.chunker.next_chunk()
        if chunk is not None and not self._lossless:
            self._relieve(chunk)
        return chunk

    def emit(self, chunk: Chunk, decision: Decision) -> None:
        """Publish the events of a chunk, unless it is an empty last one that says nothing new."""
        if decision.stride.is_new:
            with self._publishing:
                if self.finished.is_set():
                    return
                events = self._event_builder.build(
                    decision, self._timing(decision.stride.end_sample)
                )
                self._publish(self.name, events, self._lossless)
        if chunk.last:
            self.end(self.source.failure)

    def end(self, failure: str | None, detail: str = "") -> None:
        """Publish the end of the stream, its last event.

        Args:
            failure: the cause, if the stream failed.
            detail: the text of the status event otherwise.
        """
        with self._publishing:
            if self.finished.is_set():
                return
            self.failure = failure
            if failure is not None:
                _log.error("%s: %s", self.name, failure)
            self.publish_status("ended", failure or detail)
            self.finished.set()

    async def wait_until_finished(self) -> None:
        """Wait for the last event."""
        await self.finished.wait_in_loop()

    def publish_status(self, status: StreamStatus, detail: str = "") -> None:
        """Publish a status event."""
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
        """Publish a detail with the present status, which stays as it is."""
        if self.status is not None and not self.finished.is_set():
            self.publish_status(self.status, detail)

    def _on_source_status(self, status: StreamStatus, detail: str) -> None:
        self._source_status, self._source_detail = status, detail
        self._log_trouble()
        if status == "running" and self._overload.level:
            self._publish_overload()
        elif not self.finished.is_set():
            self.publish_status(status, detail)

    def _log_trouble(self) -> None:
        """Log once each that a device is lost or gives nothing of use, and that sound is back."""
        is_running, now = self._source_status == "running", time.monotonic()
        if self._source_status == "reconnecting" or (is_running and self._source_detail):
            if self._trouble_since is None:
                self._trouble_since = now
            if self._logged_trouble != self._source_detail:
                self._logged_trouble = self._source_detail
                self._sparing_log.warning(f"{self.name}: {self._source_detail}")
        elif is_running and self._trouble_since is not None:
            seconds = now - self._trouble_since
            self._trouble_since, self._logged_trouble = None, ""
            self._sparing_log.warning(f"{self.name}: sound comes again", f", after {seconds:.0f} s")

    def _relieve(self, chunk: Chunk) -> None:
        """Lengthen the stride, or drop old audio, if the worker does not keep up."""
        lag_seconds = self._late_seconds(chunk)
        changed = self._overload.observe(lag_seconds, chunk.samples.shape[0] / SAMPLE_RATE)
        self.chunker.stretch = self._overload.stretch
        if self._overload.loses and lag_seconds > MOST_LAG_SECONDS[-1]:
            self.chunker.drop_oldest(KEPT_SECONDS)
        if changed and self._source_status == "running":
            self._publish_overload()

    def _late_seconds(self, chunk: Chunk) -> float:
        """Return the sound behind a chunk that has waited: what came in a burst has not."""
        lag_seconds = self.chunker.lag_seconds
        captured = self.chunker.capture_time(chunk.position + chunk.samples.shape[0])
        if captured is None:
            return lag_seconds
        return min(lag_seconds, max(0.0, time.monotonic() - captured))

    def _publish_overload(self) -> None:
        if self._overload.level == 0:
            self.publish_status("running", self._source_detail)
            return
        lost = " and loses sound" if self._overload.loses else ""
        self.publish_status(
            "overload",
            f"the machine is too slow: it infers every {self.stride_seconds:g} s{lost}. "
            "Use --model lite, a longer --stride or fewer sources, or end other programs.",
        )

    def _timing(self, end_sample: int) -> Timing:
        now_unix, dropped = time.time(), self.chunker.dropped_samples
        captured = None if self._lossless else self.chunker.capture_time(end_sample)
        if captured is None:
            return Timing(now_unix, None, dropped)
        age_seconds = time.monotonic() - captured
        return Timing(now_unix - age_seconds, age_seconds * 1000, dropped)
