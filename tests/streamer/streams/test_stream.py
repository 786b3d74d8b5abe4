"""One stream: its events, its end, and its relief when the worker is late."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

import numpy as np
import pytest

from emotiond.dsp.types import FloatArray
from emotiond.inference.classifier import Classifier
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.protocol.events import Emotion, Event, Status
from emotiond.streamer.sources.source import About, OnStatus
from emotiond.streamer.streams import stream
from emotiond.streamer.streams.overload import KEPT_SECONDS, MOST_LAG_SECONDS
from emotiond.streamer.streams.pipeline import Pipeline
from emotiond.streamer.streams.stream import RING_SECONDS, Stream
from tests.support.signals import RATE, demo

STRIDE = 4000


class ManualSource:
    """A source whose audio the test writes."""

    sample_rate, channels = RATE, 1
    about = About()
    failure = None
    switch = None

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        self.on_status = on_status

    def stop(self) -> None:
        """Has no thread."""


class ManualStream:
    """A stream without a worker. The test writes its audio and serves its strides."""

    def __init__(self, classifier: Classifier, lossless: bool = False) -> None:
        self.events: list[Event] = []
        self.source = ManualSource()
        self.stream = Stream("mic", self.source, lossless, STRIDE, self._publish)
        self.stream.start()
        self.pipeline = Pipeline(classifier.card, classifier.encoding(), classifier.speaker())
        self._classifier = classifier
        self._position = 0

    @property
    def emotions(self) -> list[Emotion]:
        return [event for event in self.events if isinstance(event, Emotion)]

    @property
    def statuses(self) -> list[Status]:
        return [event for event in self.events if isinstance(event, Status)]

    def write(self, seconds: float, came_seconds: float | None = None) -> None:
        """Write this much more audio, captured long ago unless it is said when it came."""
        samples: FloatArray = np.resize(demo(), round(seconds * RATE))[:, None]
        self._position += samples.shape[0]
        came = self._position / RATE if came_seconds is None else came_seconds
        for first in range(0, samples.shape[0], 160):
            self.stream.ring.write(samples[first : first + 160], came)

    def serve(self, most: int = 10_000) -> int:
        """Serve up to this many strides. Returns how many were complete."""
        for stride in range(most):
            chunk = self.stream.next_chunk()
            if chunk is None:
                return stride
            self.stream.emit(chunk, self.pipeline.process(chunk, self._classifier))
        return most

    def _publish(self, stream: str, events: Sequence[Event], lossless: bool) -> None:
        self.events += events


def test_a_late_stream_infers_less_often_at_fixed_positions(
    tiny_classifier: Classifier,
) -> None:
    manual = ManualStream(tiny_classifier)
    for _ in range(12):  # the worker serves one stride of three
        manual.write(0.75)
        manual.serve(1)
    overload = manual.statuses[1]
    assert (overload.status, manual.statuses[0].status) == ("overload", "running")
    assert "every 0.5 s" in overload.detail
    assert "--model lite" in overload.detail
    assert manual.stream.status == "overload"
    grown = [event for event in manual.emotions if event.seq > overload.seq + 1]
    assert len(grown) > 5
    assert all(0.47 < event.end % 0.5 < 0.5 for event in grown)  # the end of the last full frame
    assert manual.emotions[-1].dropped_samples == 0


def test_a_burst_of_sound_is_not_blamed_on_the_machine_and_nothing_of_it_is_lost(
    tiny_classifier: Classifier,
) -> None:
    """A network brings at once what it has held up."""
    manual = ManualStream(tiny_classifier)
    for _ in range(3):
        manual.write(5.0, came_seconds=time.monotonic() + 3_600)  # however busy the machine is
        assert manual.serve() == 20
    assert [status.status for status in manual.statuses] == ["running"]
    assert manual.emotions[-1].dropped_samples == 0


def test_a_stream_that_stays_late_drops_the_oldest_audio_and_counts_it(
    tiny_classifier: Classifier,
) -> None:
    manual = ManualStream(tiny_classifier)
    behind_seconds = []
    for _ in range(60):  # the worker serves one stride of eight
        manual.write(2.0)
        manual.serve(1)
        behind_seconds.append(manual.stream.chunker.lag_seconds)
    assert max(behind_seconds) < MOST_LAG_SECONDS[-1] + 2.0 + KEPT_SECONDS
    assert "loses sound" in manual.statuses[-1].detail
    assert manual.emotions[-1].dropped_samples > 30 * RATE
    assert manual.emotions[-1].end > 115  # the newest audio is processed
    assert [event.seq for event in manual.events] == list(range(len(manual.events)))


def test_a_stream_recovers_when_the_worker_is_fast_again(tiny_classifier: Classifier) -> None:
    manual = ManualStream(tiny_classifier)
    for _ in range(20):
        manual.write(2.0)
        manual.serve(1)
    lost = manual.stream.chunker.dropped_samples
    for _ in range(200):
        manual.write(0.1)
        manual.serve()
    assert manual.stream.status == manual.statuses[-1].status == "running"
    assert manual.stream.stride_seconds == 0.25
    ends = [event.end for event in manual.emotions[-5:]]
    np.testing.assert_allclose(np.diff(ends), 0.25, atol=0.011)
    assert manual.stream.chunker.dropped_samples - lost < 4 * RATE  # the audio that waited then


def test_a_lossless_stream_keeps_its_stride_and_its_audio(tiny_classifier: Classifier) -> None:
    manual = ManualStream(tiny_classifier, lossless=True)
    manual.write(7.0)
    assert manual.serve() == 28
    assert [status.status for status in manual.statuses] == ["running"]
    assert manual.emotions[-1].dropped_samples == 0


def test_a_lost_microphone_hides_the_overload(
    tiny_classifier: Classifier,
) -> None:
    manual = ManualStream(tiny_classifier)
    manual.source.on_status("reconnecting", "gone")
    manual.write(7.0)
    manual.serve()
    assert manual.stream.status == "reconnecting"
    manual.write(7.0)
    manual.serve(1)
    manual.source.on_status("running", "")
    assert manual.stream.status == "overload"


def test_a_lost_device_is_a_trouble_after_some_seconds_and_logged_once(
    tiny_classifier: Classifier, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    manual = ManualStream(tiny_classifier)
    assert manual.stream.trouble is None
    for _ in range(2):
        manual.source.on_status("reconnecting", "it is gone")
    assert manual.stream.trouble is None
    monkeypatch.setattr(stream, "_MOST_SECONDS_LOST", -1)
    assert manual.stream.trouble == "mic: it is gone (for 0 s)"
    manual.source.on_status("muted", "by a client")
    assert manual.stream.trouble is None
    manual.source.on_status("reconnecting", "it is gone")
    manual.source.on_status("running", "")
    manual.source.on_status("running", "")
    assert manual.stream.trouble is None
    assert caplog.messages == ["mic: it is gone", "mic: sound comes again, after 0 s"]


def test_what_a_running_device_complains_of_is_a_trouble_until_the_stream_ends(
    tiny_classifier: Classifier, caplog: pytest.LogCaptureFixture
) -> None:
    manual = ManualStream(tiny_classifier)
    manual.source.on_status("running", "only zeros come")
    assert manual.stream.trouble == "mic: only zeros come"
    assert (manual.statuses[-1].status, manual.statuses[-1].detail) == (
        "running",
        "only zeros come",
    )
    manual.stream.end(None)
    assert manual.stream.trouble is None
    assert caplog.messages == ["mic: only zeros come"]


def test_a_device_that_is_lost_after_a_complaint_is_logged_too(
    tiny_classifier: Classifier, caplog: pytest.LogCaptureFixture
) -> None:
    manual = ManualStream(tiny_classifier)
    manual.source.on_status("running", "only zeros come")
    for _ in range(2):
        manual.source.on_status("reconnecting", "it is gone")
    manual.source.on_status("running", "")
    manual.source.on_status("running", "only zeros come")
    zeros = "mic: only zeros come"
    back = "mic: sound comes again, after 0 s"
    assert caplog.messages == [zeros, "mic: it is gone", back, zeros]


def test_a_source_that_comes_and_goes_without_end_does_not_fill_the_log(
    tiny_classifier: Classifier, caplog: pytest.LogCaptureFixture
) -> None:
    manual = ManualStream(tiny_classifier)
    for _ in range(50):
        manual.source.on_status("reconnecting", "it is gone")
        manual.source.on_status("running", "")
    assert caplog.messages == ["mic: it is gone", "mic: sound comes again, after 0 s"] * 5


def test_a_stream_is_running_before_its_first_emotion(tiny_classifier: Classifier) -> None:
    manual = ManualStream(tiny_classifier)
    manual.write(0.5)
    assert manual.serve() == 2
    assert isinstance(manual.events[0], Status)
    assert [event.seq for event in manual.events] == list(range(len(manual.events)))
    assert len(manual.emotions) == 2
    assert [status.status for status in manual.statuses] == ["running"]


def test_process_next_returns_false_for_an_incomplete_chunk(tiny_classifier: Classifier) -> None:
    manual = ManualStream(tiny_classifier)
    manual.write(0.24)
    assert not manual.stream.process_next(manual.pipeline, tiny_classifier)
    assert manual.emotions == []
    manual.write(0.01)
    assert manual.stream.process_next(manual.pipeline, tiny_classifier)
    assert len(manual.emotions) == 1


def test_audio_written_before_the_stop_still_gives_events(tiny_classifier: Classifier) -> None:
    manual = ManualStream(tiny_classifier)
    manual.write(0.6)
    manual.stream.stop()
    manual.serve()
    assert len(manual.emotions) == 3  # two strides and the rest
    assert manual.stream.finished.is_set()
    assert manual.events[-1] == manual.statuses[-1]
    assert (manual.stream.status, manual.stream.failure) == ("ended", None)


def test_an_empty_last_chunk_has_no_emotion(tiny_classifier: Classifier) -> None:
    manual = ManualStream(tiny_classifier)
    manual.stream.stop()
    manual.serve()
    assert manual.emotions == []
    assert [status.status for status in manual.statuses] == ["running", "ended"]


def test_the_failure_of_the_source_is_the_detail_of_the_end(
    tiny_classifier: Classifier, caplog: pytest.LogCaptureFixture
) -> None:
    manual = ManualStream(tiny_classifier)
    manual.source.failure = "the file is broken"
    manual.stream.stop()
    with caplog.at_level(logging.ERROR):
        manual.serve()
    assert manual.statuses[-1].detail == manual.stream.failure == "the file is broken"
    assert caplog.messages == ["mic: the file is broken"]


def test_a_stream_ends_once_and_publishes_nothing_afterwards(tiny_classifier: Classifier) -> None:
    manual = ManualStream(tiny_classifier)
    manual.stream.end(None, "cancelled")
    published = list(manual.events)
    manual.stream.end("a later failure")
    manual.stream.report("a later detail")
    manual.source.on_status("reconnecting", "a later loss")
    manual.write(0.25)
    manual.serve()
    assert manual.events == published
    assert (manual.statuses[-1].status, manual.statuses[-1].detail) == ("ended", "cancelled")
    assert manual.stream.failure is None


def test_a_report_repeats_the_status_with_another_detail(tiny_classifier: Classifier) -> None:
    manual = ManualStream(tiny_classifier)
    manual.source.on_status("muted", "by a client")
    manual.stream.report("the recording has ended")
    assert [(status.status, status.detail) for status in manual.statuses[1:]] == [
        ("muted", "by a client"),
        ("muted", "the recording has ended"),
    ]


@pytest.mark.parametrize("ends_first", [False, True])
def test_a_loop_can_wait_for_the_end(tiny_classifier: Classifier, ends_first: bool) -> None:
    manual = ManualStream(tiny_classifier)

    async def wait() -> None:
        if ends_first:
            manual.stream.end(None)
        waiting = asyncio.create_task(manual.stream.wait_until_finished())
        await asyncio.sleep(0)
        if not ends_first:
            assert not waiting.done()
            await asyncio.to_thread(manual.stream.end, None)
        await asyncio.wait_for(waiting, 10)

    asyncio.run(wait())


def test_a_live_event_has_an_age_and_a_lossless_one_has_none(tiny_classifier: Classifier) -> None:
    for lossless in (False, True):
        manual = ManualStream(tiny_classifier, lossless)
        manual.write(0.25)
        manual.serve()
        (emotion,) = manual.emotions
        assert (emotion.age_ms is None) == lossless


@pytest.mark.parametrize(("stride_seconds", "ring_seconds"), [(0.25, RING_SECONDS), (5.0, 40.0)])
def test_the_ring_holds_the_longest_chunk_twice(stride_seconds: float, ring_seconds: float) -> None:
    stream = Stream("mic", ManualSource(), False, round(stride_seconds * RATE), lambda *_: None)
    assert stream.ring.room == ring_seconds * RATE
