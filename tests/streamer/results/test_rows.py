"""Strides and segments of a result."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emotiond
from emotiond.inference.card import LABELS
from emotiond.inference.classifier import Classifier
from emotiond.streamer.offline.analyze import Analysis, analyze_source
from emotiond.streamer.protocol.events import Emotion
from emotiond.streamer.results.rows import Span, extent, segments, strides
from emotiond.streamer.sources.arrays import read_array
from emotiond.streamer.sources.pulled_source import PulledSource
from tests.support.results import result, scored
from tests.support.signals import RATE, demo

labels_of_strides = st.lists(st.sampled_from([*LABELS, None, "?"]), max_size=30)


def analyzed(samples: int, classifier: Classifier, stride_samples: int = 4000) -> Analysis:
    source = PulledSource(read_array(demo()[:samples], RATE))
    return analyze_source("x.wav", source, classifier, stride_samples, None)


def assert_covered(spans: list[Span], start: float, end: float) -> None:
    assert all(span.start < span.end for span in spans)
    assert all(one.end == other.start for one, other in itertools.pairwise(spans))
    if start < end:
        assert (spans[0].start, spans[-1].end) == (start, end)
    else:
        assert spans == []


def test_a_segment_is_a_run_of_strides_of_one_label() -> None:
    found = [*segments(result([None, "happy", "happy", "sad", "happy"]))]
    assert [(span.start, span.end, span.label) for span in found] == [
        (0.0, 0.25, None),
        (0.25, 0.75, "happy"),
        (0.75, 1.0, "sad"),
        (1.0, 1.255, "happy"),
    ]


def test_what_has_no_label_says_why() -> None:
    found = [*segments(result([None, "?", "?", "happy", None]))]
    assert [(span.state, span.label) for span in found] == [
        ("silence", None),
        ("uncertain", None),
        ("speech", "happy"),
        ("silence", None),
    ]
    assert [span.confidence for span in found] == [None, None, 0.65, None]
    assert [span.scores is None for span in found] == [True, False, False, True]


def test_the_scores_of_a_segment_are_means_by_time_and_its_confidence_is_one_of_them() -> None:
    whole = result(["happy", "happy"], tail=0.0)
    whole["events"][0]["scores"] = {**scored("happy"), "happy": 0.25, "sad": 0.45}
    whole["events"][2]["end"] = whole["duration"] = (
        1.0  # the second stride lasts three times as long
    )
    (span,) = segments(whole)
    assert span.scores == {**scored("happy"), "happy": 0.55, "sad": 0.15}
    assert span.confidence == 0.55


def test_the_speech_of_a_segment_is_the_sum_of_its_strides() -> None:
    assert [span.speech_seconds for span in segments(result(["sad", "sad", None]))] == [0.4, 0.0]


def test_the_last_span_lasts_until_the_end_of_the_sound() -> None:
    assert [*strides(result(["sad", "sad"], tail=0.02))][-1].end == 0.52


def test_an_event_of_no_new_sound_judges_the_stride_again() -> None:
    whole = result([None, "sad"], tail=0.0)
    whole["events"][1]["end"] = whole["duration"] = 0.25
    (span,) = strides(whole)
    assert (span.start, span.end, span.label, span.speech_seconds) == (0.0, 0.25, "sad", 0.2)


def test_a_segment_of_a_file_has_the_times_of_the_file() -> None:
    whole = result(["sad", "happy"], start=60.0, end=60.505)
    assert extent({**whole, "start": 60.0}) == (60.0, 60.505)
    found = [*segments({**whole, "start": 60.0})]
    assert [(span.start, span.end) for span in found] == [(60.0, 60.25), (60.25, 60.505)]


@given(labels_of_strides, st.floats(0.01, 10), st.floats(0, 0.03), st.floats(0, 1e5))
def test_spans_cover_an_item_whatever_its_labels_and_strides(
    labels: list[str | None], stride: float, tail: float, start: float
) -> None:
    start = round(start, 4)
    whole = {**result(labels, stride=stride, tail=tail, start=start), "start": start}
    for spans in (strides, segments):
        assert_covered([*spans(whole)], *extent(whole))
    runs = [*segments(whole)]
    assert all(
        (one.label, one.state) != (other.label, other.state)
        for one, other in itertools.pairwise(runs)
    )


@pytest.mark.parametrize("samples", [1, 160, 399, 400, 3999, 4000, 4001, 7_000])
@pytest.mark.parametrize("stride_samples", [160, 4000, 160_000])
def test_spans_cover_every_analysis(
    tiny_classifier: Classifier, samples: int, stride_samples: int
) -> None:
    analysis = analyzed(samples, tiny_classifier, stride_samples)
    whole = analysis.to_json()
    end = round(samples / RATE, 4)
    for spans in (strides, segments):
        found = [*spans(whole)]
        assert_covered(found, 0.0, end)
        assert all(span.speech_seconds <= span.end - span.start + 2e-4 for span in found)
    judged = [event for event in analysis.events if isinstance(event, Emotion)]
    assert len(judged) == len(analysis.stride_speech_seconds)


def test_segments_agree_with_shares_and_speech(tiny_classifier: Classifier) -> None:
    analysis = analyzed(len(demo()), tiny_classifier)
    lasted: dict[str, float] = {}
    for span in analysis.segments:
        if span.label is not None:
            lasted[span.label] = lasted.get(span.label, 0.0) + span.end - span.start
    assert analysis.shares is not None
    assert lasted == pytest.approx(
        {label: share * analysis.duration for label, share in analysis.shares.items()}, abs=0.026
    )
    total = sum(span.speech_seconds for span in analysis.segments)
    assert total == pytest.approx(analysis.speech_seconds, abs=1e-3)
    assert 0 < total < analysis.duration
    assert all(isinstance(span, emotiond.Span) for span in analysis.segments)


def test_silence_holds_no_speech(tiny_classifier: Classifier) -> None:
    source = PulledSource(read_array(np.zeros(RATE * 2, np.float32), RATE))
    analysis: Any = analyze_source("x.wav", source, tiny_classifier, 4000, None)
    assert [span.state for span in analysis.segments] == ["warmup", "silence"]
    assert analysis.speech_seconds == 0.0
