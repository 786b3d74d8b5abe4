"""Each part of the speech counts once, in the last window that holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.dsp.frontend import Acoustics, Window
from emotiond.dsp.gate import GateState
from emotiond.inference.card import LABELS
from emotiond.streamer.protocol.events import State
from emotiond.streamer.streams.decider import Decision
from emotiond.streamer.streams.stride import Stride
from emotiond.streamer.streams.summary import SpeechMean, Summarizer, Summary
from tests.support.mixed import MIXED

FULL = 200


def window(end_frame: int, speech: int = 1, first_frame: int = 0) -> Window:
    """A window in which every frame is speech."""
    frames = min(end_frame - first_frame, FULL)
    return Window(speech, first_frame, end_frame, np.empty((0, 0), np.float32), frames, frames)


def only(label: int) -> np.ndarray:
    return np.eye(len(LABELS))[label]


def decision(label: str | None, at: Window | None) -> Decision:
    stride = Stride(Acoustics(0, 4000, 1.0, -20.0, 25, GateState.SPEAKING, at), 0, 4000, warm=True)
    raw = None if label is None else {name: float(name == label) for name in LABELS}
    state: State = "silence" if label is None else "speech"
    seconds = 0.0 if at is None else at.active_frames / 100
    return Decision(stride, state, None, raw, raw, seconds, None, None)


def test_a_short_utterance_counts_as_the_window_at_its_end() -> None:
    mean = SpeechMean()
    for label, end_frame in enumerate((50, 75, 100)):
        mean.add(window(end_frame), only(label))
    assert mean.result() == pytest.approx(only(2))


def test_of_a_long_speech_each_second_counts_once() -> None:
    mean = SpeechMean()
    mean.add(window(200), only(0))
    mean.add(window(250), only(1))  # half a second has left
    mean.add(window(400), only(2))  # and another second and a half
    assert mean.result() == pytest.approx((50 * only(0) + 150 * only(1) + 200 * only(2)) / 400)


def test_utterances_count_by_their_speech() -> None:
    mean = SpeechMean()
    mean.add(window(50), only(0))
    mean.add(window(300, speech=2, first_frame=150), only(1))
    assert mean.result() == pytest.approx((50 * only(0) + 150 * only(1)) / 200)


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(1, 300)), min_size=1))
def test_the_weights_sum_to_one(strides: list[tuple[int, int]]) -> None:
    mean, end_frame = SpeechMean(), 24
    for label, frames in strides:
        end_frame += frames
        mean.add(window(end_frame), only(label))
    result = mean.result()
    assert result is not None
    assert result.sum() == pytest.approx(1)
    assert (result >= 0).all()


def test_without_speech_there_is_neither_label_nor_score() -> None:
    summarizer = Summarizer()
    summarizer.add(decision(None, None))
    values = summarizer.summary(1.0).to_json()
    assert values == {
        "duration": 1.0, "label": None, "confidence": None, "scores": None, "shares": None,
    }  # fmt: skip


def test_a_window_without_a_voice_does_not_count() -> None:
    summarizer = Summarizer()
    summarizer.add(decision("happy", window(100)))
    summarizer.add(decision(None, window(125)))
    assert summarizer.summary(1.0).label == "happy"


def test_numbers_are_rounded_to_four_decimals() -> None:
    summarizer = Summarizer()
    for number, label in enumerate(("happy", "sad", "sad"), 1):
        summarizer.add(decision(label, window(100 * number, number, 100 * (number - 1))))
    values = summarizer.summary(1.23456789).to_json()
    assert (values["duration"], values["confidence"]) == (1.2346, 0.6667)
    assert (values["label"], values["scores"]["happy"]) == ("sad", 0.3333)


def held(seconds: Sequence[tuple[str | None, float]], duration: float = 0) -> Summary:
    """The summary of a file in which these labels were published one after the other."""
    summarizer, end = Summarizer(), 0.0
    for name, lasting in seconds:
        end += lasting
        one = decision("sad", window(round(100 * end)))
        stride = replace(one.stride, end_sample=round(16_000 * end))
        summarizer.add(replace(one, stride=stride, label=name and LABELS.index(name)))
    return summarizer.summary(duration or end)


def test_shares_are_those_of_the_whole_duration_the_largest_first() -> None:
    summary = held([("happy", 1), (None, 3), ("sad", 4), ("happy", 2)])
    assert summary.shares == pytest.approx({"sad": 0.4, "happy": 0.3})
    assert [*(summary.shares or {})] == ["sad", "happy"]
    assert summary.to_json()["shares"] == {"sad": 0.4, "happy": 0.3}


def test_speech_without_a_label_has_no_shares() -> None:
    assert held([(None, 5)]).to_json()["shares"] == {}


@pytest.mark.parametrize(("parts", "is_mixed"), MIXED)
def test_a_file_is_mixed_if_two_emotions_last(
    parts: Sequence[tuple[str | None, float]], is_mixed: bool
) -> None:
    summary = held(parts)
    assert summary.is_mixed is is_mixed
    assert summary.label == "sad"  # the label keeps its meaning
