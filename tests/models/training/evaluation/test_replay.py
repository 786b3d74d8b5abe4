"""Evaluation decides as ``emotiond analyze`` does."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emotiond.inference.card import LABELS
from emotiond.inference.classifier import Classifier
from emotiond.inference.model import read_model
from emotiond.inference.runtime import find_runtime
from emotiond.models.training.data.windows import STRIDE_SAMPLES
from emotiond.models.training.evaluation.replay import clip_scores, decide, infer
from emotiond.streamer.audio.chunker import Chunker
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.protocol.events import Emotion
from emotiond.streamer.streams.pipeline import Pipeline
from tests.models.sounds import RATE, babble
from tests.support.analysis import analyzed

DATA = Path(__file__).parents[3] / "data"


@pytest.fixture(params=["tiny", "adapting"])
def classifier(request: pytest.FixtureRequest) -> Classifier:
    return Classifier(read_model(DATA / f"{request.param}.tflite"), find_runtime())


@pytest.mark.parametrize("name", ["full_model", "lite_model"])
def test_a_trained_model_predicts_in_the_daemon_what_it_does_in_evaluation(
    name: str, request: pytest.FixtureRequest
) -> None:
    """To the bit, though the source fills the ring in blocks of other sizes."""
    classifier = Classifier(read_model(request.getfixturevalue(name)), find_runtime())
    sound = babble(3.6)
    evaluated = [step.prediction for step in infer(classifier, sound) if step.prediction]
    ring = Ring(sound.size, 1, RATE)
    chunker = Chunker(ring, STRIDE_SAMPLES)
    pipeline = Pipeline(classifier.card, classifier.encoding(), classifier.speaker())
    daemon = []
    for start in range(0, sound.size, 1700):
        ring.write(sound[start : start + 1700, None], 0.0)
        if start + 1700 >= sound.size:
            ring.end()
        while (chunk := chunker.next_chunk()) is not None:
            stride = pipeline.push(chunk)
            prediction = pipeline.infer(stride, classifier) if chunk.samples.size else None
            pipeline.adapt(stride, prediction)
            daemon += [prediction] if prediction else []
    assert len(evaluated) > 5
    for one, other in zip(evaluated, daemon, strict=True):
        np.testing.assert_array_equal(one.posteriors, other.posteriors)
        assert one.voice == other.voice
        np.testing.assert_array_equal(one.statistics, other.statistics)


def test_clip_scores_and_events_are_those_of_analyze(
    classifier: Classifier, tmp_path: Path
) -> None:
    sound = np.round(babble(4.3) * 2**15) / 2**15
    path = tmp_path / "clip.wav"
    soundfile.write(path, sound, RATE, "PCM_16")
    analysis = analyzed(path, classifier, STRIDE_SAMPLES)
    steps = infer(classifier, sound.astype(np.float32))
    scores = clip_scores(steps, classifier.card)
    assert scores is not None
    assert analysis.scores is not None
    np.testing.assert_allclose(scores, list(analysis.scores.values()), atol=1e-3)
    events = [event for event in analysis.events if isinstance(event, Emotion)]
    decided = decide(steps, classifier.card)
    assert [v.state for v in decided] == [event.state for event in events]
    labels = [None if v.label is None else LABELS[v.label] for v in decided]
    assert labels == [event.label for event in events]


def test_silence_has_no_scores(classifier: Classifier) -> None:
    steps = infer(classifier, np.zeros(2 * RATE, np.float32))
    assert clip_scores(steps, classifier.card) is None


def test_a_window_without_a_voice_counts_for_nothing(classifier: Classifier) -> None:
    steps = infer(classifier, babble(3.0))
    deaf = dataclasses.replace(classifier.card, voice_threshold=1.0)
    assert clip_scores(steps, deaf) is None
    assert all(decision.label is None for decision in decide(steps, deaf))
