"""Tiers for programs of annotation."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from emotiond.inference.card import LABELS
from emotiond.streamer.results.rows import extent, segments, strides
from emotiond.streamer.results.tiers import (
    Mark,
    Part,
    covering,
    in_milliseconds,
    tiers_of,
)
from tests.support.results import result

HAPPY, SAD = Mark(0.0, 1.0, "happy", 0.9), Mark(1.0, 2.5, "sad", 0.8)

some_labels = st.lists(st.sampled_from([*LABELS, None, "?"]), max_size=30)
seconds = st.floats(0, 1e4).map(lambda value: round(value, 4))


def part(start: float, end: float, channel: int | None = None) -> Part:
    return Part(start, end, channel, (Mark(start, end, "happy", 0.5),))


def test_a_recording_has_one_tier() -> None:
    (tier,) = tiers_of([Part(0.0, 2.5, None, (HAPPY, SAD))])
    assert (tier.name, tier.marks) == ("emotion", (HAPPY, SAD))


def test_segments_one_after_the_other_share_a_tier() -> None:
    (tier,) = tiers_of([part(5.0, 6.0), part(0.0, 1.0), part(6.0, 7.0)])
    assert [mark.start for mark in tier.marks] == [0.0, 5.0, 6.0]


def test_segments_that_overlap_do_not() -> None:
    tiers = tiers_of([part(0.0, 2.0), part(1.0, 3.0), part(2.0, 4.0)])
    assert [(tier.name, len(tier.marks)) for tier in tiers] == [("emotion", 2), ("emotion (2)", 1)]


def test_each_channel_has_its_tier() -> None:
    tiers = tiers_of([part(0.0, 2.0, 2), part(0.0, 2.0, 1)])
    assert [tier.name for tier in tiers] == ["emotion channel 1", "emotion channel 2"]


def test_the_same_part_twice_counts_once() -> None:
    assert len(tiers_of([part(0.0, 2.0), part(0.0, 2.0)])) == 1


def test_what_has_no_label_is_one_empty_mark() -> None:
    marks = [Mark(0.5, 1.0, None), Mark(1.0, 1.5, None), Mark(2.0, 3.0, "sad", 0.8)]
    assert [(mark.start, mark.end, mark.label) for mark in covering(marks, 4.0)] == [
        (0.0, 2.0, None),
        (2.0, 3.0, "sad"),
        (3.0, 4.0, None),
    ]


@given(some_labels, st.floats(0.01, 10), st.floats(0, 0.03), st.sampled_from([strides, segments]))
def test_a_tier_covers_a_recording_without_gaps_overlaps_or_empty_intervals(
    labels: list[str | None], stride: float, tail: float, spans: object
) -> None:
    whole = result(labels, stride=stride, tail=tail)
    found = (strides if spans is strides else segments)(whole)
    marks = [Mark(span.start, span.end, span.label, span.confidence) for span in found]
    start, end = extent(whole)
    covered = covering(marks, end)
    assert all(mark.start < mark.end for mark in covered)
    assert all(one.end == other.start for one, other in itertools.pairwise(covered))
    assert not covered or (covered[0].start, covered[-1].end) == (start, end)
    assert bool(covered) is (end > start)
    in_whole = [(begin, stop) for begin, stop, _ in in_milliseconds(covered)]
    assert all(begin < stop for begin, stop in in_whole)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(in_whole))
    assert all(abs(begin - mark.start * 1000) <= 0.5 for begin, _, mark in in_milliseconds(covered))
    labelled = [mark for mark in covered if mark.label is not None]
    long = [mark for mark in labelled if mark.end - mark.start > 0.001]
    kept = [mark for _, _, mark in in_milliseconds(covered)]
    assert [mark for mark in kept if mark in long] == long
    touching = [one.end == other.start for one, other in itertools.pairwise(kept)]
    assert all(
        one[1] == other[0]
        for (one, other), touches in zip(itertools.pairwise(in_whole), touching, strict=True)
        if touches
    )


@given(
    st.lists(
        st.tuples(seconds, seconds, st.sampled_from([None, 1, 2])).map(
            lambda each: (min(each[:2]), max(each[:2]), each[2])
        ),
        min_size=1,
        max_size=12,
    )
)
def test_segments_from_anywhere_never_overlap_in_a_tier(
    items: list[tuple[float, float, int | None]],
) -> None:
    tiers = tiers_of([part(*item) for item in items])
    for tier in tiers:
        assert all(one.end <= other.start for one, other in itertools.pairwise(tier.marks))
    assert len({tier.name for tier in tiers}) == len(tiers)
    assert sum(len(tier.marks) for tier in tiers) == len(set(items))
