"""The shipped models agree with their cards and the size limits."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from emotiond.inference.card import LABELS
from emotiond.inference.classifier import Classifier
from emotiond.inference.model import Model, read_model
from emotiond.inference.runtime import Runtime
from emotiond.models.training.demo import judge
from emotiond.models.training.evaluation.replay import clip_scores, decide, infer
from emotiond.streamer.api import analyze
from emotiond.streamer.protocol.events import Emotion
from tests.models.sounds import RATE, babble
from tests.support.signals import demo, emotions_of_demo, sentence

FOLDER = Path(__file__).parents[2] / "models"


@pytest.fixture(params=["lite", pytest.param("full", marks=pytest.mark.litert)])
def model(request: pytest.FixtureRequest) -> Model:
    return read_model(FOLDER / f"{request.param}.tflite")


def test_the_folder_has_only_models_their_cards_and_reports() -> None:
    names = {path.name for path in FOLDER.iterdir() if path.name != "__pycache__"}
    suffixes = ("tflite", "json", "html")
    models = {f"{name}.{suffix}" for name in ("full", "lite") for suffix in suffixes}
    assert names == {*models, "README.md", "__init__.py", "training"}


def test_models_are_small(model: Model) -> None:
    limits_bytes = {"lite": 1_000_000, "full": 8_000_000}
    assert len(model.content) <= limits_bytes[model.card.name]


def test_cards_state_intended_and_excluded_use(model: Model) -> None:
    card = model.card
    assert card.licence.weights == "CC BY-NC-SA 4.0"
    assert "Act" in card.not_for
    assert card.known_weaknesses
    assert any("demo recording" in data for data in card.training_data)


def test_silence_has_no_emotion(model: Model, runtime: Runtime) -> None:
    classifier = Classifier(model, runtime)
    random = np.random.default_rng(0)
    hiss = (1e-4 * random.standard_normal(3 * RATE)).astype(np.float32)
    for sound in (np.zeros(3 * RATE, np.float32), hiss):
        assert not any(v.label is not None for v in decide(infer(classifier, sound), model.card))


def test_the_demo_shows_its_eight_emotions_and_no_other(model: Model) -> None:
    events = analyze((demo(), RATE), model=model.card.name).events
    found = [event for event in events if isinstance(event, Emotion)]
    labels = [label for label, _ in itertools.groupby(event.label for event in found) if label]
    assert labels == list(emotions_of_demo())
    for label, (begin, end) in emotions_of_demo().items():
        verdict = judge(found, label, begin, end)
        assert verdict.is_good
        assert verdict.confidence > 0.6
    first = next(event for event in found if event.label)
    assert first.end < 1  # a newcomer does not wait


@pytest.mark.parametrize("emotion", ["neutral", "angry", "calm"])
def test_a_lasting_emotion_is_still_recognised(
    emotion: str, model: Model, runtime: Runtime
) -> None:
    sound, classifier = sentence(emotion), Classifier(model, runtime)
    speaker = classifier.speaker()
    assert speaker is not None
    first_time = clip_scores(infer(classifier, sound), model.card)
    while speaker.speech_seconds < 40:
        infer(classifier, sound, speaker)
    last_time = clip_scores(infer(classifier, sound, speaker), model.card)
    assert first_time is not None
    assert last_time is not None
    number = LABELS.index(emotion)
    assert last_time.argmax() == number
    assert last_time[number] > first_time[number] - 0.25


def test_a_window_s_statistics_are_near_the_population_s(model: Model, runtime: Runtime) -> None:
    classifier = Classifier(model, runtime)
    steps = infer(classifier, babble(3.0))
    known = [s.prediction.statistics for s in steps if s.prediction is not None]
    assert known
    assert all(statistics is not None and np.isfinite(statistics).all() for statistics in known)
