from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from emotiond.dsp.types import FloatArray
from emotiond.inference.card import LABELS
from emotiond.inference.classifier import Classifier, Prediction
from emotiond.streamer.audio.chunker import Chunk
from emotiond.streamer.protocol.events import Change, Emotion
from emotiond.streamer.streams.adapter import LIKELY_VOICE
from emotiond.streamer.streams.decider import Decider
from emotiond.streamer.streams.pipeline import Pipeline
from tests.support.scripted import NO_VOICE, SILENCE, STRIDE, Run, prediction, states
from tests.support.signals import demo, tone


@pytest.fixture
def run(tiny_classifier: Classifier) -> Run:
    return Run(tiny_classifier)


def test_the_warm_up_lasts_half_a_second(run: Run) -> None:
    found = states(run.process(tone(300, 1.5), prediction("happy")))
    assert found == ["warmup", *["speech"] * 5]


def test_silence_is_never_a_label(run: Run) -> None:
    for emotion in run.process(SILENCE, prediction("neutral"))[2:]:
        assert emotion.state == "silence"
        assert emotion.label is None
        assert emotion.confidence is None
        assert emotion.scores is None
        assert emotion.raw is None
        assert emotion.speech_ratio == 0
    assert run.changes == []


def test_sound_without_a_voice_is_silence(run: Run) -> None:
    emotions = run.process(tone(300, 2.0), NO_VOICE)[2:]
    assert set(states(emotions)) == {"silence"}
    assert {emotion.speech_ratio for emotion in emotions} == {0.0}
    assert all(emotion.scores is None and emotion.raw is None for emotion in emotions)


def test_without_a_likely_label_the_state_is_uncertain_with_scores(run: Run) -> None:
    run.smooth(uncertain_below=0.3)
    emotions = run.process(tone(300, 1.5), prediction("happy", 0.2))[2:]
    assert set(states(emotions)) == {"uncertain"}
    for emotion in emotions:
        assert emotion.label is None
        assert emotion.confidence is None
        assert emotion.scores is not None
        assert emotion.raw is not None
    assert run.changes == []


def test_a_new_voice_needs_more_certainty_for_a_label(run: Run) -> None:
    run.smooth(uncertain_below=0.5, settling_seconds=1.0)
    found = states(run.process(tone(300, 2.5), prediction("happy", 0.7)))
    # 0.7 is enough from 0.6 s of speech on
    assert found == ["warmup", "uncertain", *["speech"] * 8]


def test_the_warm_up_comes_before_everything_else(run: Run) -> None:
    assert states(run.process(tone(300, 0.25), NO_VOICE)) == ["warmup"]
    assert states(run.process(SILENCE[:4000], NO_VOICE)) != ["warmup"]


def test_speech_has_a_label_its_score_and_all_scores(run: Run) -> None:
    for emotion in run.process(tone(300, 2.0), prediction("sad", 0.79))[2:]:
        assert emotion.state == "speech"
        assert emotion.label == "sad"
        assert emotion.scores is not None
        assert emotion.confidence == emotion.scores["sad"] >= 0.79
        assert list(emotion.scores) == list(LABELS)
        assert emotion.speech_ratio > 0.8


def test_a_change_says_for_how_long_the_former_label_was_published(run: Run) -> None:
    run.process(tone(300, 1.0), prediction("happy"))
    run.process(tone(300, 2.0), prediction("sad"))
    run.lose(16_000)
    run.process(tone(300, 2.0), prediction("sad"))
    changes = [event for event in run.events if isinstance(event, Change)]
    assert len(changes) == 4
    assert changes[0].held_seconds == changes[0].at
    for former, change in pairwise(changes):
        assert change.held_seconds == pytest.approx(change.at - former.at)


def happy_after(run: Run, *between: tuple[FloatArray, Prediction]) -> Emotion:
    """The first scored emotion of a doubtful voice, after two happy seconds and more sounds."""
    run.process(tone(300, 2.0), prediction("happy", 0.99))
    for samples, script in between:
        run.process(samples, script)
    doubtful = run.process(tone(300, 0.75), prediction("sad", 0.3))
    return next(emotion for emotion in doubtful if emotion.scores is not None)


def test_a_pause_within_a_speech_keeps_its_label(run: Run) -> None:
    run.process(tone(300, 2.0), prediction("happy"))
    emotions = run.process(SILENCE[:8000], prediction("happy"))
    emotions += run.process(tone(300, 0.25), prediction("sad", 0.5))
    assert {emotion.label for emotion in emotions} == {"happy"}


def test_a_label_ends_with_a_long_pause(run: Run) -> None:
    run.smooth(uncertain_below=0.9)
    run.process(tone(300, 2.0), prediction("happy", 0.99))
    assert run.process(SILENCE[:24_000], prediction("happy"))[-1].state == "silence"
    assert run.process(tone(300, 0.75), prediction("sad", 0.5))[-1].state == "uncertain"


def test_speech_before_a_pause_still_counts(run: Run) -> None:
    scores = happy_after(run, (SILENCE[:24_000], NO_VOICE)).scores
    assert scores is not None
    assert scores["happy"] > scores["sad"]


def test_speech_before_a_pause_of_a_minute_does_not_count(run: Run) -> None:
    doubt = happy_after(run, (np.tile(SILENCE, 15), NO_VOICE))
    assert doubt.scores == pytest.approx(doubt.raw, abs=1e-4)


def test_long_sound_without_a_voice_is_a_pause(run: Run) -> None:
    run.smooth(uncertain_below=0.9)
    run.process(tone(300, 2.0), prediction("happy", 0.99))
    run.process(tone(300, 1.25), NO_VOICE)
    assert run.process(tone(300, 0.25), prediction("sad", 0.5))[0].label is None


def test_a_stride_without_a_voice_is_no_pause(run: Run) -> None:
    run.smooth(uncertain_below=0.9)
    run.process(tone(300, 2.0), prediction("happy", 0.99))
    assert run.process(tone(300, 0.25), NO_VOICE)[0].label is None
    assert run.process(tone(300, 0.25), prediction("sad", 0.2))[0].label == "happy"


def test_a_loss_restarts_the_stream_at_a_later_position(run: Run) -> None:
    run.process(tone(300, 2.0), prediction("happy"))
    run.lose(16_000)
    emotions = run.process(tone(300, 1.0), prediction("sad"))
    assert states(emotions) == ["warmup", *["speech"] * 3]
    assert emotions[1].start == 3.0
    assert emotions[1].label == "sad"
    assert emotions[1].scores == pytest.approx(emotions[1].raw)
    assert run.changes == [(None, "happy"), ("happy", None), (None, "sad")]


def test_a_doubtful_voice_is_uncertain(run: Run) -> None:
    run.smooth(uncertain_below=0.8)
    voice = run.classifier.card.voice_threshold
    emotions = run.process(tone(300, 1.5), prediction("happy", 0.93, voice=max(voice, 0.7)))[2:]
    assert set(states(emotions)) == {"uncertain"}


def test_the_published_threshold_changes_neither_windows_nor_adaptation(
    adapting_classifier: Classifier,
) -> None:
    def run_with(voice_threshold: float) -> tuple[list[str], list[float], float]:
        """States, starts of windows, and the speaker's seconds of speech."""
        run = Run(adapting_classifier)
        card = dataclasses.replace(adapting_classifier.card, voice_threshold=voice_threshold)
        run.decider = Decider(card)
        assert run.speaker is not None
        statistics = np.zeros(run.speaker.vector.size)
        emotions = []
        for voice in (0.6, 0.3, 0.6):
            predicted = prediction("happy", voice=voice)
            emotions += run.process(
                tone(300, 2.0), dataclasses.replace(predicted, statistics=statistics)
            )
        return states(emotions), [e.start for e in emotions], run.speaker.speech_seconds

    low, *expected = run_with(0.1)
    middle, *found = run_with(LIKELY_VOICE)
    high, *still_found = run_with(0.9)
    assert found == still_found == expected
    assert 0 == low.count("silence") < middle.count("silence") < high.count("silence")


def test_a_decision_repeated_with_the_same_predictions_is_the_same(
    tiny_classifier: Classifier,
) -> None:
    pipeline = Pipeline(tiny_classifier.card, tiny_classifier.encoding(), None)
    deciders = [Decider(tiny_classifier.card) for _ in range(2)]
    labels = []
    for start in range(0, 80_000, STRIDE):
        stride = pipeline.push(Chunk(demo()[start : start + STRIDE], start, start == 0, False))
        predicted = pipeline.infer(stride, tiny_classifier)
        pipeline.adapt(stride, predicted)
        first, second = (decider.decide(stride, predicted) for decider in deciders)
        assert first == second
        labels.append(first.label)
    assert any(label is not None for label in labels)
