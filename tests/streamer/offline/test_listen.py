"""The events of one source in the caller's thread, and how it is closed."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable

import numpy as np
import pytest

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError
from emotiond.inference.classifier import Classifier
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.offline.listen import Listening
from emotiond.streamer.protocol.events import Emotion, Status
from emotiond.streamer.sources.arrays import read_array
from emotiond.streamer.sources.pulled_source import PulledSource
from emotiond.streamer.sources.source import About, OnStatus
from tests.support.signals import RATE, demo


class Live:
    """A device: it counts how often it is closed, and gives what a test writes into its ring."""

    def __init__(self) -> None:
        self.sample_rate, self.channels = RATE, 1
        self.about = About(device="a device")
        self.failure: str | None = None
        self.switch = None
        self.started = self.stopped = 0

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        self.started += 1
        self.ring, self.on_status = ring, on_status

    def stop(self) -> None:
        self.stopped += 1

    def say(self, samples: FloatArray, seconds_ago: float = 0.0) -> None:
        self.ring.write(samples[:, None], time.monotonic() - seconds_ago)


@pytest.fixture
def live() -> Live:
    return Live()


def listen(live: Live, classifier: Classifier) -> Listening:
    return Listening("mic", live, classifier, 4000, lossless=False)


def later(work: Callable[[], object]) -> threading.Timer:
    timer = threading.Timer(0.1, work)
    timer.start()
    return timer


def test_a_device_starts_with_the_first_event_and_not_before(
    live: Live, tiny_classifier: Classifier
) -> None:
    with listen(live, tiny_classifier) as events:
        assert live.started == 0
        first = next(events)
        assert isinstance(first, Status)
        assert (first.status, first.device, live.started) == ("running", "a device", 1)
    assert live.stopped == 1


def test_an_event_is_waited_for_and_has_an_age(live: Live, tiny_classifier: Classifier) -> None:
    with listen(live, tiny_classifier) as events:
        next(events)
        timer = later(lambda: live.say(demo()[:4000]))
        emotion = next(events)
        timer.join()
    assert isinstance(emotion, Emotion)
    assert emotion.age_ms is not None
    assert 0 <= emotion.age_ms < 10_000


def test_a_device_status_comes_without_audio(live: Live, tiny_classifier: Classifier) -> None:
    with listen(live, tiny_classifier) as events:
        next(events)
        timer = later(lambda: live.on_status("reconnecting", "it is gone"))
        status = next(events)
        timer.join()
    assert isinstance(status, Status)
    assert (status.status, status.detail) == ("reconnecting", "it is gone")


def test_an_error_in_the_with_closes_the_device(live: Live, tiny_classifier: Classifier) -> None:
    with pytest.raises(ZeroDivisionError), listen(live, tiny_classifier) as events:
        next(events)
        1 / 0  # noqa: B018
    assert live.stopped == 1
    assert list(events) == []


def test_close_may_come_often_and_before_the_first_event(
    live: Live, tiny_classifier: Classifier
) -> None:
    events = listen(live, tiny_classifier)
    events.close()
    events.close()
    assert (live.started, live.stopped) == (0, 1)
    assert list(events) == []


def test_close_in_another_thread_ends_the_wait(live: Live, tiny_classifier: Classifier) -> None:
    events = listen(live, tiny_classifier)
    next(events)
    timer = later(events.close)
    assert list(events) == []
    timer.join()
    assert live.stopped == 1


def test_an_unreferenced_iterator_closes_its_source(
    live: Live, tiny_classifier: Classifier
) -> None:
    events = listen(live, tiny_classifier)
    next(events)
    gone = weakref.ref(events)
    gc.disable()
    try:
        del events
        assert gone() is None
    finally:
        gc.enable()
    assert live.stopped == 1


def test_a_device_failure_is_reported_after_the_last_event(
    live: Live, tiny_classifier: Classifier
) -> None:
    events = listen(live, tiny_classifier)
    next(events)
    live.failure = "the device burns. Put it out."
    live.ring.end()
    ended = next(events)
    assert isinstance(ended, Status)
    assert (ended.status, ended.detail) == ("ended", live.failure)
    with pytest.raises(SourceError, match="the device burns"):
        next(events)
    assert live.stopped == 1
    assert list(events) == []


def test_a_device_that_cannot_start_is_closed(live: Live, tiny_classifier: Classifier) -> None:
    def refuse(ring: Ring, on_status: OnStatus) -> None:
        raise SourceError("it has vanished", "Plug it in")

    live.start = refuse  # type: ignore[method-assign]
    with pytest.raises(SourceError, match="vanished"):
        next(listen(live, tiny_classifier))
    assert live.stopped == 1


def test_a_slow_consumer_of_events_loses_audio_and_costs_no_memory(
    live: Live, tiny_classifier: Classifier
) -> None:
    with listen(live, tiny_classifier) as events:
        next(events)
        for seconds_ago in range(59, -1, -1):  # a minute; the ring holds eight seconds
            live.say(np.zeros(RATE, np.float32), seconds_ago)
        live.ring.end()
        found = list(events)
    emotions = [event for event in found if isinstance(event, Emotion)]
    assert emotions[-1].dropped_samples >= 50 * RATE
    assert "overload" in [event.status for event in found if isinstance(event, Status)]


def test_a_recording_is_read_as_its_events_are_taken(tiny_classifier: Classifier) -> None:
    source = PulledSource(read_array(demo(), RATE))
    with Listening("x", source, tiny_classifier, 4000, lossless=True) as events:
        for event in events:
            if isinstance(event, Emotion) and event.end > 3:
                break
        assert source.pulled_samples < 5 * RATE
