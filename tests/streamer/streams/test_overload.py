"""A machine that is too slow: a model that takes longer than a stride, on the speed of life."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.dsp.types import FloatArray
from emotiond.inference.classifier import Classifier
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.protocol.events import Emotion, Event, Status
from emotiond.streamer.sources.source import About, OnStatus
from emotiond.streamer.streams.overload import KEPT_SECONDS, MOST_LAG_SECONDS, STRETCHES, Overload
from emotiond.streamer.streams.pipeline import Pipeline
from emotiond.streamer.streams.stream import Stream
from tests.conftest import DATA
from tests.support.daemon import running_daemon
from tests.support.signals import RATE, demo
from tests.support.sound_server import write_wav

STRIDE = 4000


def test_the_stride_grows_with_the_lag_before_any_sound_is_lost() -> None:
    overload = Overload()
    seen = []
    for lag_seconds in (0.0, 0.9, 1.1, 1.9, 2.1, 2.9, 3.1, 9.0):
        overload.observe(lag_seconds, 0.25)
        seen.append((overload.stretch, overload.loses))
    kept, lost = [(1, False)] * 2 + [(2, False)] * 2 + [(4, False)] * 2, [(4, True)] * 2
    assert seen == kept + lost


def test_each_step_is_given_a_turn_to_help() -> None:
    overload = Overload()
    stretches = [overload.observe(100.0, 0.25) and overload.stretch for _ in range(4)]
    assert stretches == [2, 4, 4, False]


def test_it_is_over_after_a_calm_time_and_sooner_than_it_is_tried_again() -> None:
    calm_seconds: list[float] = []
    overload = Overload()
    for _ in range(12):
        while overload.level == 0:
            overload.observe(2 * MOST_LAG_SECONDS[0], 0.25)
        seconds = 0.0
        while overload.level:
            overload.observe(0.0, 0.25)
            seconds += 0.25
        calm_seconds.append(seconds)
    assert calm_seconds[:4] == [0.5, 1, 2, 4]
    assert calm_seconds[-1] == 60  # and no longer, however often it was tried
    for _ in range(1000):
        overload.observe(0.0, 0.25)
    assert overload.observe(2 * MOST_LAG_SECONDS[0], 0.25)
    assert [overload.observe(0.0, 0.25) for _ in range(2)] == [False, True]  # all is forgotten


@given(st.lists(st.floats(0, 20), max_size=200))
def test_levels_change_one_at_a_time_and_are_told(lags_seconds: list[float]) -> None:
    overload, level = Overload(), 0
    for lag_seconds in lags_seconds:
        assert overload.observe(lag_seconds, 0.25) == (overload.level != level)
        assert abs(overload.level - level) <= 1
        level = overload.level
        assert overload.stretch == STRETCHES[level]


class Hand:
    """A source that the test writes for."""

    sample_rate, channels = RATE, 1
    about = About()
    failure = None

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        self.on_status = on_status

    def stop(self) -> None:
        """Has no thread."""


class Listened:
    """A stream without a worker: the test decides when it has its turn."""

    def __init__(self, classifier: Classifier, lossless: bool = False) -> None:
        self.events: list[Event] = []
        self.source = Hand()
        self.stream = Stream("mic", self.source, lossless, STRIDE, self._publish)
        self.stream.start(Pipeline(classifier.card, classifier.speaker()))
        self._classifier = classifier
        self._position = 0

    @property
    def emotions(self) -> list[Emotion]:
        return [event for event in self.events if isinstance(event, Emotion)]

    @property
    def statuses(self) -> list[Status]:
        return [event for event in self.events if isinstance(event, Status)]

    def sound(self, seconds: float) -> None:
        """So much more comes in."""
        samples: FloatArray = np.resize(demo(), round(seconds * RATE))[:, None]
        self._position += samples.shape[0]
        for first in range(0, samples.shape[0], 160):
            self.stream.ring.write(samples[first : first + 160], self._position / RATE)

    def strides(self, most: int = 10_000) -> int:
        """The worker serves the stream so often, or until nothing waits."""
        for stride in range(most):
            chunk = self.stream.next_chunk()
            if chunk is None:
                return stride
            self.stream.emit(chunk, self.stream.pipeline.process(chunk, self._classifier))
        return most

    def _publish(self, stream: str, events: Sequence[Event], lossless: bool) -> None:
        self.events += events


def test_one_that_falls_behind_is_judged_less_often_at_fixed_positions(
    tiny_classifier: Classifier,
) -> None:
    listened = Listened(tiny_classifier)
    for _ in range(12):  # the worker manages one judgement where three are due
        listened.sound(0.75)
        listened.strides(1)
    told = listened.statuses[1]
    assert (told.status, listened.statuses[0].status) == ("overload", "running")
    assert "every 0.5 s" in told.detail
    assert "--model lite" in told.detail  # and what helps
    assert listened.stream.status == "overload"
    grown = [event for event in listened.emotions if event.seq > told.seq + 1]
    assert len(grown) > 5
    assert all(0.47 < event.end % 0.5 < 0.5 for event in grown)  # the end of the last full frame
    assert listened.emotions[-1].dropped_samples == 0


def test_one_that_cannot_be_helped_loses_the_oldest_sound_and_counts_it(
    tiny_classifier: Classifier,
) -> None:
    listened = Listened(tiny_classifier)
    behind_seconds = []
    for _ in range(60):  # not even a quarter of the judgements can be made
        listened.sound(2.0)
        listened.strides(1)
        behind_seconds.append(listened.stream.chunker.lag_seconds)
    assert max(behind_seconds) < MOST_LAG_SECONDS[-1] + 2.0 + KEPT_SECONDS  # for as long as it is
    assert "sound is lost" in listened.statuses[-1].detail
    assert listened.emotions[-1].dropped_samples > 30 * RATE
    assert listened.emotions[-1].end > 115  # and yet it hears what is said now
    assert [event.seq for event in listened.events] == list(range(len(listened.events)))


def test_when_the_machine_is_fast_again_all_is_as_before(tiny_classifier: Classifier) -> None:
    listened = Listened(tiny_classifier)
    for _ in range(20):
        listened.sound(2.0)
        listened.strides(1)
    lost = listened.stream.chunker.dropped_samples
    for _ in range(200):
        listened.sound(0.1)
        listened.strides()
    assert listened.stream.status == listened.statuses[-1].status == "running"
    assert listened.stream.stride_seconds == 0.25
    ends = [event.end for event in listened.emotions[-5:]]
    np.testing.assert_allclose(np.diff(ends), 0.25, atol=0.011)
    assert listened.stream.chunker.dropped_samples - lost < 4 * RATE  # what was waiting then


def test_a_lossless_stream_is_never_hurried(tiny_classifier: Classifier) -> None:
    listened = Listened(tiny_classifier, lossless=True)
    listened.sound(9.0)
    assert listened.strides() == 36
    assert [status.status for status in listened.statuses] == ["running"]
    assert listened.emotions[-1].dropped_samples == 0


def test_a_microphone_that_is_lost_meanwhile_is_told_as_lost(tiny_classifier: Classifier) -> None:
    listened = Listened(tiny_classifier)
    listened.source.on_status("reconnecting", "gone")
    listened.sound(9.0)
    listened.strides()
    assert listened.stream.status == "reconnecting"
    listened.sound(9.0)
    listened.strides(1)
    listened.source.on_status("running", "")
    assert listened.stream.status == "overload"


@pytest.fixture
def speech_then_silence(tmp_path: Path) -> Path:
    """Half a minute, of which the model is asked about the first five seconds only."""
    sound = np.concatenate((np.resize(demo()[: 3 * RATE], 5 * RATE), np.zeros(25 * RATE)))
    return write_wav(tmp_path / "speech.wav", sound.astype(np.float32))


def test_a_daemon_with_a_slow_model_says_so_stays_near_and_recovers(
    speech_then_silence: Path,
) -> None:
    slow = ("--model", str(DATA / "slow.tflite"), "--stride", "0.1", "--json")
    with running_daemon("--source", str(speech_then_silence), *slow) as daemon:
        seen, oldest_ms = [], 0.0
        for event in daemon.events():
            if event["type"] == "status":
                seen.append(event["status"])
                if seen[-2:] == ["overload", "running"]:
                    break
            elif event["type"] == "emotion":
                oldest_ms = max(oldest_ms, event["age_ms"])
    assert seen[:2] == ["running", "overload"]
    assert event["seq"] > 10
    assert 500 < oldest_ms < 10_000  # it was slow, and yet never as late as the ring is long
