from __future__ import annotations

import pytest

from emotiond.dsp.frontend import Acoustics
from emotiond.dsp.gate import GateState
from emotiond.inference.card import LABELS
from emotiond.streamer.protocol.events import State
from emotiond.streamer.streams.decider import Decision
from emotiond.streamer.streams.stride import Stride
from emotiond.streamer.streams.summary import Summarizer

STRIDE = Stride(Acoustics(0, 4000, 1.0, -20.0, 25, GateState.SPEAKING, None), 0, 4000, warm=True)


def decision(label: str | None, speech_seconds: float) -> Decision:
    raw = None if label is None else {name: float(name == label) for name in LABELS}
    state: State = "silence" if label is None else "speech"
    return Decision(STRIDE, state, None, raw, raw, speech_seconds, None, None)


def test_scores_are_weighted_by_the_speech_of_each_window() -> None:
    summarizer = Summarizer()
    for each in (decision("happy", 1.0), decision(None, 0.0), decision("sad", 3.0)):
        summarizer.add(each)
    summary = summarizer.summary(5.0)
    assert (summary.label, summary.confidence, summary.duration) == ("sad", 0.75, 5.0)
    assert summary.scores is not None
    assert summary.scores["happy"] == 0.25
    assert sum(summary.scores.values()) == pytest.approx(1)


def test_without_speech_there_is_neither_label_nor_score() -> None:
    summarizer = Summarizer()
    summarizer.add(decision(None, 0.0))
    values = summarizer.summary(1.0).to_json()
    assert values == {"duration": 1.0, "label": None, "confidence": None, "scores": None}


def test_numbers_are_rounded_to_four_decimals() -> None:
    summarizer = Summarizer()
    for label in ("happy", "sad", "sad"):
        summarizer.add(decision(label, 1.0))
    values = summarizer.summary(1.23456789).to_json()
    assert (values["duration"], values["confidence"]) == (1.2346, 0.6667)
