"""Settings are tuned on the outputs of models for other speakers."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from emotiond.exceptions import DataError
from emotiond.inference.card import Card
from emotiond.inference.classifier import Classifier
from emotiond.inference.model import read_model
from emotiond.inference.runtime import find_runtime
from emotiond.models.training.common.cards import UNFITTED
from emotiond.models.training.data.joining import Joined
from emotiond.models.training.evaluation.changes import Change, measure_change
from emotiond.models.training.evaluation.replay import Step, clip_scores, decide, infer
from emotiond.models.training.evaluation.streams import ActorStream, Block
from emotiond.models.training.evaluation.tuning import (
    fit_sharpness,
    fit_smoothing,
    fit_temperature,
)
from tests.models.sounds import RATE, babble
from tests.support.last_window import LastWindowSettings

DATA = Path(__file__).parents[3] / "data"
EVEN = np.full(8, 1 / 8)


def test_temperature_calibrates_a_classifier() -> None:
    classifier = Classifier(read_model(DATA / "tiny.tflite"), find_runtime())
    clips = [infer(classifier, babble(2.0, seed)) for seed in range(4)]
    scores = [clip_scores(steps, classifier.card) for steps in clips]
    right = [int(s.argmax()) for s in scores if s is not None]
    wrong = [int(s.argmin()) for s in scores if s is not None]
    assert fit_temperature(clips, right, classifier.card) < 0.5
    assert fit_temperature(clips, wrong, classifier.card) > 1.5


def certain_babble() -> tuple[Card, list[Step], ActorStream]:
    """A card, what its model said of a sound, and a stream of the label that it said most."""
    classifier = Classifier(read_model(DATA / "tiny.tflite"), find_runtime())
    sound = babble(12.0)
    steps = infer(classifier, sound)
    certain = dataclasses.replace(classifier.card, temperature=0.3)
    labels = [decision.label for decision in decide(steps, certain)]
    truth = max(set(labels) - {None}, key=labels.count)
    block = Block(truth, 0, sound.size, RATE // 2)
    return certain, steps, ActorStream("a", sound, (block,), np.ones(sound.size // 160, np.bool_))


def test_fitted_smoothing_is_stable_and_accurate() -> None:
    certain, steps, stream = certain_babble()
    at = dataclasses.replace(certain, smoothing=fit_smoothing([(stream, steps)], [], certain))
    labels = [v.label for v in decide(steps, at)]
    assert labels.count(stream.blocks[0].label) > len(steps) / 2


def test_fitting_finds_settings_far_from_its_start() -> None:
    certain, steps, stream = certain_babble()
    card = dataclasses.replace(certain, voice_threshold=0.1, smoothing=UNFITTED.smoothing)
    faint = [
        dataclasses.replace(step, prediction=dataclasses.replace(step.prediction, voice=0.52))
        if step.prediction
        else step
        for step in steps
    ]
    assert not any(v.label is not None for v in decide(faint, card))
    at = dataclasses.replace(card, smoothing=fit_smoothing([(stream, faint)], [], card))
    labels = [v.label for v in decide(faint, at)]
    assert labels.count(stream.blocks[0].label) > len(steps) / 2


def test_speech_after_a_change_counts_too() -> None:
    """The stream alone has its best label; a change to a label that never comes takes from it."""
    certain, steps, stream = certain_babble()
    label = stream.blocks[0].label
    change = Change(Joined(stream.samples, 6 * RATE), (label + 1) % 8, label)
    settings = fit_smoothing([(stream, steps)], [(change, steps)], certain)
    at = dataclasses.replace(certain, smoothing=settings)
    assert measure_change(change, decide(steps, at)).new_frames > 150


def test_another_kind_of_smoothing_is_not_fitted_over() -> None:
    certain, steps, stream = certain_babble()
    card = dataclasses.replace(certain, smoothing=LastWindowSettings(majority=0.5))
    named = "'tiny' names another kind of smoothing than hmm"
    with pytest.raises(DataError, match=named):
        fit_smoothing([(stream, steps)], [], card)
    with pytest.raises(DataError, match=named):
        fit_sharpness([(stream, steps)], card)


def test_sharpness_calibrates_scores_on_streams() -> None:
    classifier = Classifier(read_model(DATA / "tiny.tflite"), find_runtime())
    certain = dataclasses.replace(classifier.card, temperature=0.3)
    sound = babble(12.0)
    steps = infer(classifier, sound)
    decided = [v.label for v in decide(steps, certain)]
    most = max(set(decided) - {None}, key=decided.count)

    def sharpness(*truths: int) -> float:
        cuts = np.linspace(0, sound.size // RATE, len(truths) + 1).astype(int) * RATE
        blocks = [
            Block(truth, start, end, start)
            for truth, (start, end) in zip(truths, pairwise(cuts.tolist()), strict=True)
        ]
        stream = ActorStream("a", sound, tuple(blocks), np.ones(sound.size // 160, np.bool_))
        return fit_sharpness([(stream, steps)], certain)

    assert sharpness(most, (most + 1) % 8, most, (most + 2) % 8) < sharpness(most)
