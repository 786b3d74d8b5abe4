"""What evaluation says of a recording is what ``emotiond analyze`` says of it."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emotiond.inference.card import LABELS, Card
from emotiond.inference.classifier import Classifier, read_model
from emotiond.inference.runtime import find_runtime
from emotiond.models.cards import UNFITTED
from emotiond.models.fitting import fit_sharpness, fit_smoothing, fit_temperature
from emotiond.models.hearing import Fixed
from emotiond.models.listening import Step, adapt_to, clip_scores, conclude, listen
from emotiond.models.streams import ActorStream, Block
from emotiond.models.windows import STRIDE_SAMPLES
from emotiond.streamer.offline.analyze import analyze
from emotiond.streamer.protocol.events import Emotion
from emotiond.streamer.sources.decoder import Decoder
from tests.models.sounds import RATE, babble

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(params=["tiny", "adapting"])
def classifier(request: pytest.FixtureRequest) -> Classifier:
    return Classifier(read_model(DATA / f"{request.param}.tflite"), find_runtime())


def test_clip_scores_and_events_are_those_of_analyze(
    classifier: Classifier, tmp_path: Path
) -> None:
    sound = np.round(babble(4.3) * 2**15) / 2**15
    path = tmp_path / "clip.wav"
    soundfile.write(path, sound, RATE, "PCM_16")
    with Decoder() as decoder:
        analysis = analyze(str(path), classifier, STRIDE_SAMPLES, decoder)
    steps = listen(classifier, sound.astype(np.float32))
    scores = clip_scores(steps, classifier.card)
    assert scores is not None
    assert analysis.scores is not None
    np.testing.assert_allclose(scores, list(analysis.scores.values()), atol=1e-3)
    told = [event for event in analysis.events if isinstance(event, Emotion)]
    concluded = conclude(steps, classifier.card)
    assert [v.state for v in concluded] == [event.state for event in told]
    labels = [None if v.label is None else LABELS[v.label] for v in concluded]
    assert labels == [event.label for event in told]


def test_silence_has_no_scores(classifier: Classifier) -> None:
    steps = listen(classifier, np.zeros(2 * RATE, np.float32))
    assert clip_scores(steps, classifier.card) is None


def test_a_window_without_a_voice_counts_for_nothing(classifier: Classifier) -> None:
    steps = listen(classifier, babble(3.0))
    deaf = dataclasses.replace(classifier.card, voice_threshold=1.0)
    assert clip_scores(steps, deaf) is None
    assert all(verdict.label is None for verdict in conclude(steps, deaf))


def test_a_clip_is_scored_before_the_speaker_s_statistics_know_it() -> None:
    classifier = Classifier(read_model(DATA / "adapting.tflite"), find_runtime())
    speaker = classifier.speaker()
    assert speaker is not None
    steps = listen(classifier, babble(3.0), Fixed.of(speaker))
    assert not speaker.vector.any()
    adapt_to(steps, classifier.card, speaker)
    assert speaker.vector.any()
    fixed = Fixed.of(speaker)
    before = fixed.vector.copy()
    adapt_to(steps, classifier.card, fixed)
    np.testing.assert_array_equal(fixed.vector, before)


def test_temperature_makes_a_classifier_as_sure_as_it_is_right() -> None:
    classifier = Classifier(read_model(DATA / "tiny.tflite"), find_runtime())
    clips = [listen(classifier, babble(2.0, seed)) for seed in range(4)]
    scores = [clip_scores(steps, classifier.card) for steps in clips]
    right = [int(s.argmax()) for s in scores if s is not None]
    wrong = [int(s.argmin()) for s in scores if s is not None]
    assert fit_temperature(clips, right, classifier.card) < 0.5
    assert fit_temperature(clips, wrong, classifier.card) > 1.5


def certain_babble() -> tuple[Card, list[Step], ActorStream]:
    """A card, what its model said of a sound, and a stream of the label that it said most."""
    classifier = Classifier(read_model(DATA / "tiny.tflite"), find_runtime())
    sound = babble(12.0)
    steps = listen(classifier, sound)
    certain = dataclasses.replace(classifier.card, temperature=0.3)
    labels = [verdict.label for verdict in conclude(steps, certain)]
    truth = max(set(labels) - {None}, key=labels.count)
    block = Block(truth, 0, sound.size, RATE // 2)
    return certain, steps, ActorStream("a", sound, (block,), np.ones(sound.size // 160, np.bool_))


def test_smoothing_is_fitted_to_be_calm_and_right() -> None:
    certain, steps, stream = certain_babble()
    at = dataclasses.replace(certain, smoothing=fit_smoothing([(stream, steps)], certain))
    labels = [v.label for v in conclude(steps, at)]
    assert labels.count(stream.blocks[0].label) > len(steps) / 2


def test_fitting_finds_what_is_far_from_where_it_begins() -> None:
    certain, steps, stream = certain_babble()
    card = dataclasses.replace(certain, voice_threshold=0.1, smoothing=UNFITTED.smoothing)
    faint = [
        dataclasses.replace(step, prediction=dataclasses.replace(step.prediction, voice=0.52))
        if step.prediction
        else step
        for step in steps
    ]
    assert not any(v.label is not None for v in conclude(faint, card))
    at = dataclasses.replace(card, smoothing=fit_smoothing([(stream, faint)], card))
    labels = [v.label for v in conclude(faint, at)]
    assert labels.count(stream.blocks[0].label) > len(steps) / 2


def test_scores_on_streams_are_made_as_high_as_they_are_right() -> None:
    classifier = Classifier(read_model(DATA / "tiny.tflite"), find_runtime())
    certain = dataclasses.replace(classifier.card, temperature=0.3)
    sound = babble(12.0)
    steps = listen(classifier, sound)
    heard = [v.label for v in conclude(steps, certain)]
    most = max(set(heard) - {None}, key=heard.count)

    def sharpness(*truths: int) -> float:
        cuts = np.linspace(0, sound.size // RATE, len(truths) + 1).astype(int) * RATE
        blocks = [
            Block(truth, start, end, start)
            for truth, (start, end) in zip(truths, pairwise(cuts.tolist()), strict=True)
        ]
        stream = ActorStream("a", sound, tuple(blocks), np.ones(sound.size // 160, np.bool_))
        return fit_sharpness([(stream, steps)], certain)

    assert sharpness(most, (most + 1) % 8, most, (most + 2) % 8) < sharpness(most)
