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
from emotiond.streamer.streams.event_builder import EventBuilder, Timing
from emotiond.streamer.streams.pipeline import Pipeline
from tests.support.signals import demo, tone

STRIDE = 4000
NOW = Timing(unix_seconds=1000.0, age_ms=None, dropped_samples=0)
SILENCE = np.zeros(64_000, np.float32)


def prediction(label: str, score: float = 0.93, voice: float = 1.0) -> Prediction:
    posteriors = np.full(8, (1 - score) / 7, np.float32)
    posteriors[LABELS.index(label)] = score
    return Prediction(posteriors, voice, None)


NO_VOICE = prediction("neutral", voice=0.0)


class Run:
    """A stream with real audio and, if given, scripted predictions."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier
        self.pipeline = Pipeline(classifier.card, classifier.encoding(), classifier.speaker())
        self.event_builder = EventBuilder("mic")
        self.position = 0
        self.cut = True
        self.events: list[Emotion | Change] = []

    def process(self, samples: FloatArray, script: Prediction | None = None) -> list[Emotion]:
        """Process samples and return the emotion of each stride."""
        emotions = []
        for first in range(0, samples.shape[0], STRIDE):
            chunk = Chunk(samples[first : first + STRIDE], self.position, self.cut, last=False)
            stride, predicted = self.pipeline.push(chunk), script
            if not stride.needs_inference or stride.acoustics.window is None:
                predicted = None
            elif predicted is None:
                window = stride.acoustics.window.features
                predicted = self.classifier.infer(window, self.pipeline.speaker)
            self.pipeline.adapt(stride, predicted)
            built = self.event_builder.build(self.pipeline.decide(stride, predicted), NOW)
            self.position += chunk.samples.shape[0]
            self.cut = False
            self.events += built
            emotions += [event for event in built if isinstance(event, Emotion)]
        return emotions

    def lose(self, samples: int) -> None:
        """Skip samples as lost."""
        self.position += samples
        self.cut = True

    @property
    def changes(self) -> list[tuple[str | None, str | None]]:
        return [(e.from_label, e.to_label) for e in self.events if isinstance(e, Change)]


@pytest.fixture
def run(tiny_classifier: Classifier) -> Run:
    return Run(tiny_classifier)


def states(emotions: list[Emotion]) -> list[str]:
    return [emotion.state for emotion in emotions]


def test_every_stride_has_an_event_from_the_first(run: Run) -> None:
    emotions = run.process(demo()[:48_000])
    assert len(emotions) == 12
    assert emotions[0].state == "warmup"


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


def with_smoothing(run: Run, **changes: float) -> None:
    """Change the smoothing: the tiny model's own publishes a label at 1/8, and at once."""
    card = run.classifier.card
    smoothing = dataclasses.replace(card.smoothing, **changes)
    run.pipeline = Pipeline(dataclasses.replace(card, smoothing=smoothing), None)


def test_without_a_likely_label_the_state_is_uncertain_with_scores(run: Run) -> None:
    with_smoothing(run, uncertain_below=0.3)
    emotions = run.process(tone(300, 1.5), prediction("happy", 0.2))[2:]
    assert set(states(emotions)) == {"uncertain"}
    for emotion in emotions:
        assert emotion.label is None
        assert emotion.confidence is None
        assert emotion.scores is not None
        assert emotion.raw is not None
    assert run.changes == []


def test_a_new_voice_needs_more_certainty_for_a_label(run: Run) -> None:
    with_smoothing(run, uncertain_below=0.5, settling_seconds=1.0)
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


def test_seq_has_no_gaps(run: Run) -> None:
    run.process(demo()[:80_000])
    run.lose(1234)
    run.process(demo()[:80_000])
    assert [event.seq for event in run.events] == list(range(len(run.events)))


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
    with_smoothing(run, uncertain_below=0.9)
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
    with_smoothing(run, uncertain_below=0.9)
    run.process(tone(300, 2.0), prediction("happy", 0.99))
    run.process(tone(300, 1.25), NO_VOICE)
    assert run.process(tone(300, 0.25), prediction("sad", 0.5))[0].label is None


def test_a_stride_without_a_voice_is_no_pause(run: Run) -> None:
    with_smoothing(run, uncertain_below=0.9)
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


def test_events_give_the_start_and_end_of_their_real_audio(run: Run) -> None:
    for emotion in run.process(np.concatenate((SILENCE[:16_000], demo()[:64_000]))):
        assert 0 <= emotion.start <= emotion.end
        assert emotion.end - emotion.start <= 1.0151
    emotions = run.process(tone(300, 1.5), prediction("happy"))
    assert emotions[-1].end - emotions[-1].start == pytest.approx(1.015)


def test_the_end_never_decreases(run: Run) -> None:
    run.process(demo()[:40_000])
    run.lose(0)
    run.process(demo()[:40_000])
    ends = [event.end for event in run.events if isinstance(event, Emotion)]
    assert ends == sorted(ends)


@pytest.mark.parametrize("name", ["tiny_classifier", "adapting_classifier"])
def test_the_same_chunks_give_the_same_events(name: str, request: pytest.FixtureRequest) -> None:
    classifier: Classifier = request.getfixturevalue(name)
    first, second = Run(classifier), Run(classifier)
    for once in (first, second):
        once.process(demo())
    assert first.events == second.events
    assert any(event.state == "speech" for event in first.events if isinstance(event, Emotion))


def test_adaptation_to_a_voice_survives_a_loss(adapting_classifier: Classifier) -> None:
    run = Run(adapting_classifier)
    speaker = run.pipeline.speaker
    assert speaker is not None
    run.process(SILENCE)
    assert not speaker.vector.any()
    run.lose(0)
    run.process(demo()[:80_000])
    known = speaker.vector
    assert known.any()
    run.lose(16_000)
    run.process(SILENCE)
    np.testing.assert_array_equal(speaker.vector, known)


def test_every_second_of_speech_counts_once(adapting_classifier: Classifier) -> None:
    def seconds(*parts: tuple[FloatArray, float]) -> float:
        """Counted seconds of speech, after sounds with these probabilities of a voice."""
        run = Run(adapting_classifier)
        speaker = run.pipeline.speaker
        assert speaker is not None
        statistics = np.zeros(speaker.vector.size)
        for samples, voice in parts:
            predicted = prediction("happy", voice=voice)
            run.process(samples, dataclasses.replace(predicted, statistics=statistics))
        return speaker.speech_seconds

    assert seconds((tone(300, 2.0), 1.0)) == pytest.approx(2.0, abs=0.05)
    # Speech counts late if the first windows were not classified as a voice.
    assert seconds((tone(300, 0.75), 0.0), (tone(300, 0.75), 1.0)) == pytest.approx(1.5, abs=0.05)
    # A noise before a pause does not count as speech after it.
    assert seconds(
        (tone(300, 1.0), 0.0), (SILENCE[:32_000], 0.0), (tone(300, 1.0), 1.0)
    ) == pytest.approx(1.0, abs=0.05)


def test_the_published_threshold_changes_neither_windows_nor_adaptation(
    adapting_classifier: Classifier,
) -> None:
    def run_with(voice_threshold: float) -> tuple[list[str], list[float], float]:
        """States, starts of windows, and the speaker's seconds of speech."""
        run = Run(adapting_classifier)
        speaker = adapting_classifier.speaker()
        assert speaker is not None
        card = dataclasses.replace(adapting_classifier.card, voice_threshold=voice_threshold)
        run.pipeline = Pipeline(card, speaker)
        statistics = np.zeros(speaker.vector.size)
        emotions = []
        for voice in (0.6, 0.3, 0.6):
            predicted = prediction("happy", voice=voice)
            emotions += run.process(
                tone(300, 2.0), dataclasses.replace(predicted, statistics=statistics)
            )
        return states(emotions), [e.start for e in emotions], speaker.speech_seconds

    low, *expected = run_with(0.1)
    middle, *found = run_with(LIKELY_VOICE)
    high, *still_found = run_with(0.9)
    assert found == still_found == expected
    assert 0 == low.count("silence") < middle.count("silence") < high.count("silence")


def test_a_doubtful_voice_is_uncertain(run: Run) -> None:
    with_smoothing(run, uncertain_below=0.8)
    voice = run.classifier.card.voice_threshold
    emotions = run.process(tone(300, 1.5), prediction("happy", 0.93, voice=max(voice, 0.7)))[2:]
    assert set(states(emotions)) == {"uncertain"}


def test_the_timing_is_copied_into_the_event(run: Run) -> None:
    stride = run.pipeline.push(Chunk(SILENCE[:STRIDE], 0, True, False))
    (event,) = run.event_builder.build(run.pipeline.decide(stride, None), Timing(5.5, 14.2, 7))
    assert isinstance(event, Emotion)
    assert (event.stream, event.time, event.age_ms, event.dropped_samples) == ("mic", 5.5, 14.2, 7)
    assert event.level_dbfs == pytest.approx(-120, abs=1e-3)
