"""After a change inside speech, the figures say how long the old label stays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emotiond.dsp.frontend import Acoustics
from emotiond.dsp.gate import GateState
from emotiond.inference.card import LABELS
from emotiond.models.training.data.corpora import Clip
from emotiond.models.training.data.joining import Joined
from emotiond.models.training.evaluation.changes import (
    AFTER_SECONDS,
    Change,
    change_totals,
    make_changes,
    measure_change,
)
from emotiond.streamer.streams.decider import Decision
from emotiond.streamer.streams.stride import Stride
from tests.models.sounds import RATE

STRIDE = 4000
OLD, NEW = 2, 5
TONE = np.sin(2 * np.pi * 200 * np.arange(6 * RATE) / RATE).astype(np.float32)
CHANGE = Change(Joined(TONE, 2 * RATE), OLD, NEW)
"""Six seconds of speech without a pause, in which the label changes after two."""


def decisions(labels: Sequence[int | None]) -> list[Decision]:
    """One for each stride of 0.25 s."""
    found = []
    for number, label in enumerate(labels, 1):
        acoustics = Acoustics(0, number * STRIDE, 1.0, -20.0, 25, GateState.SPEAKING, None)
        stride = Stride(acoustics, 0, number * STRIDE, True)
        found.append(Decision(stride, "speech", label, None, None, 0.0, None, None))
    return found


def test_each_frame_after_the_change_has_the_new_the_old_or_no_label() -> None:
    labels = [OLD] * 10 + [None] * 2 + [NEW] * 12
    figures = measure_change(CHANGE, decisions(labels))
    assert figures.speech_frames == 100 * AFTER_SECONDS == 200
    # a decision is published at the end of its stride: the third one after the change has no label
    assert figures.old_frames == 75
    assert figures.new_frames == 200 - 75 - 50
    assert figures.delay_seconds == 1.25


def test_what_comes_later_counts_for_the_delay_alone() -> None:
    figures = measure_change(CHANGE, decisions([OLD] * 19 + [NEW] * 5))
    assert (figures.new_frames, figures.old_frames) == (0, 200)
    assert figures.delay_seconds == 3.0


def test_a_label_that_never_comes_is_late_by_the_rest_of_the_stream() -> None:
    figures = measure_change(CHANGE, decisions([OLD] * 24))
    assert figures.delay_seconds == 4.0


def test_totals_add_the_speech_of_all_changes() -> None:
    at_once = measure_change(CHANGE, decisions([OLD] * 7 + [NEW] * 17))
    never = measure_change(CHANGE, decisions([OLD] * 24))
    assert change_totals([at_once, never, never]) == {
        "new_label_share": round(200 / 600, 4),
        "old_label_share": round(400 / 600, 4),
        "median_delay_seconds": 4.0,
    }


def test_changes_join_clips_of_different_labels_and_are_repeatable(clips: list[Clip]) -> None:
    first, again, other = (make_changes(clips, 6, seed) for seed in (0, 0, 1))
    assert len(first) == 6
    for change, same in zip(first, again, strict=True):
        assert {LABELS[change.old], LABELS[change.new]} == {"neutral", "happy"}
        np.testing.assert_array_equal(change.joined.samples, same.joined.samples)
        assert 0 < change.joined.change_sample < change.joined.samples.size
    positions = [[change.joined.change_sample for change in part] for part in (first, other)]
    assert positions[0] != positions[1]
