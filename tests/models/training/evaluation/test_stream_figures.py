"""Figures of a stream agree with what can be counted by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from emotiond.dsp.frontend import Acoustics
from emotiond.dsp.gate import GateState
from emotiond.inference.card import LABELS
from emotiond.models.training.data.corpora import Clip
from emotiond.models.training.evaluation.stream_figures import measure, spoken_scores, totals
from emotiond.models.training.evaluation.streams import (
    ActorStream,
    make_stream,
)
from emotiond.streamer.streams.decider import Decision
from emotiond.streamer.streams.stride import Stride
from tests.models.sounds import RATE

STRIDE = 4000


def decision(end_sample: int, label: int | None) -> Decision:
    acoustics = Acoustics(0, end_sample, 1.0, -20.0, 100, GateState.SPEAKING, None)
    stride = Stride(acoustics, 0, end_sample, True)
    return Decision(stride, "speech", label, None, None, 0.0, None, None)


def all_speech(stream: ActorStream) -> ActorStream:
    blocks = tuple(dataclasses.replace(b, onset_sample=b.start_sample) for b in stream.blocks)
    return dataclasses.replace(stream, blocks=blocks, is_speech=np.ones_like(stream.is_speech))


def perfect_labels(stream: ActorStream) -> npt.NDArray[np.int64]:
    ends = np.arange(STRIDE, stream.samples.size + STRIDE, STRIDE)
    starts = np.array([block.start_sample for block in stream.blocks])
    return np.array([stream.blocks[np.searchsorted(starts, e, "left") - 1].label for e in ends])


def figures_of(stream: ActorStream, labels: Sequence[int | None]) -> dict[str, float]:
    decisions = [decision((i + 1) * STRIDE, label) for i, label in enumerate(labels)]
    return totals([measure(stream, decisions)])


def test_perfect_labels_are_late_by_a_stride_only(clips: list[Clip]) -> None:
    stream = all_speech(make_stream(clips, seed=0))
    figures = figures_of(stream, perfect_labels(stream).tolist())
    assert figures["share_right"] == 1
    assert figures["share_right_with_first_seconds"] > 0.97
    assert figures["median_delay_seconds"] <= 0.25
    assert figures["wrong_changes_per_10_seconds"] == 0


def test_the_first_seconds_of_a_block_count_from_its_beginning(clips: list[Clip]) -> None:
    stream = all_speech(make_stream(clips, seed=0))
    late = [b.start_sample + RATE for b in stream.blocks]
    blocks = tuple(
        dataclasses.replace(block, onset_sample=onset)
        for block, onset in zip(stream.blocks, late, strict=True)
    )
    silent = [decision((i + 1) * STRIDE, None) for i in range(len(perfect_labels(stream)))]
    settled = measure(dataclasses.replace(stream, blocks=blocks), silent).settled_frames
    assert settled == stream.is_speech.size - 150 * len(stream.blocks)


def test_a_missing_label_is_wrong_and_counts_as_a_delay_of_the_whole_block(
    clips: list[Clip],
) -> None:
    stream = all_speech(make_stream(clips, seed=0))
    figures = figures_of(stream, [None] * len(perfect_labels(stream)))
    assert figures["share_right"] == figures["labelled_share"] == 0
    assert figures["median_delay_seconds"] == pytest.approx(12.0)


def test_changes_to_wrong_labels_are_counted(clips: list[Clip]) -> None:
    stream = all_speech(make_stream(clips, seed=0))
    restless = [(3, 4)[i % 2] for i in range(len(perfect_labels(stream)))]
    assert figures_of(stream, restless)["wrong_changes_per_10_seconds"] == pytest.approx(
        40, rel=0.05
    )


def test_scores_belong_to_the_label_at_the_end_of_their_stride(clips: list[Clip]) -> None:
    stream = make_stream(clips, seed=0)
    labels = perfect_labels(stream).tolist()
    even = dict.fromkeys(LABELS, 1 / 8)
    decisions = [
        dataclasses.replace(decision((i + 1) * STRIDE, label), scores=even if i % 3 else None)
        for i, label in enumerate(labels)
    ]
    scores, truth = spoken_scores(stream, decisions)
    assert scores.shape == (truth.size, 8)
    assert truth.tolist() == [label for i, label in enumerate(labels) if i % 3]
