from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from emotiond.inference.classifier import Classifier
from emotiond.streamer.audio.chunker import Chunk
from emotiond.streamer.protocol.events import Change, Emotion
from emotiond.streamer.streams.event_builder import EventBuilder, Timing
from tests.support.scripted import SILENCE, STRIDE, Run, prediction
from tests.support.signals import demo, tone


@pytest.fixture
def run(tiny_classifier: Classifier) -> Run:
    return Run(tiny_classifier)


def test_a_change_follows_its_emotion_even_from_or_to_null(run: Run) -> None:
    run.process(tone(300, 1.0), prediction("happy"))
    run.process(tone(300, 2.0), prediction("sad"))
    run.process(SILENCE[:24_000])
    run.process(tone(300, 0.75), prediction("angry"))
    assert run.changes == [
        (None, "happy"),
        ("happy", "sad"),
        ("sad", None),
        (None, "angry"),
    ]
    for emotion, change in pairwise(run.events):
        if isinstance(change, Change):
            assert isinstance(emotion, Emotion)
            assert (change.at, change.to_label) == (emotion.end, emotion.label)


def test_seq_has_no_gaps(run: Run) -> None:
    run.process(demo()[:80_000])
    run.lose(1234)
    run.process(demo()[:80_000])
    assert [event.seq for event in run.events] == list(range(len(run.events)))


def test_the_timing_is_copied_into_the_event(run: Run) -> None:
    stride = run.pipeline.push(Chunk(SILENCE[:STRIDE], 0, True, False))
    decision = run.decider.decide(stride, None)
    (event,) = EventBuilder("mic").build(decision, Timing(5.5, 14.2, 7))
    assert isinstance(event, Emotion)
    assert (event.stream, event.time, event.age_ms, event.dropped_samples) == ("mic", 5.5, 14.2, 7)
    assert event.level_dbfs == pytest.approx(-120, abs=1e-3)


def test_events_give_the_start_and_end_of_their_real_audio(run: Run) -> None:
    for emotion in run.process(np.concatenate((SILENCE[:16_000], demo()[:64_000]))):
        assert 0 <= emotion.start <= emotion.end
        assert emotion.end - emotion.start <= 1.0151
    emotions = run.process(tone(300, 1.5), prediction("happy"))
    assert emotions[-1].end - emotions[-1].start == pytest.approx(1.015)
