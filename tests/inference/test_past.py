"""The contract between classifier and encoder, with a real model that keeps a past of each kind.

The model ``past`` of ``tests/data/make_tiny.py`` is repeated here in NumPy, from all frames of a
speech at once. Only the ring depends on where calls begin, as attention by blocks does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotiond.dsp.types import FloatArray
from emotiond.inference.classifier import Classifier, softmax
from tests.support.windows import states_after, window_at

FRAMES = np.random.default_rng(3).standard_normal((400, 13)).astype(np.float32)
CALL, RING_FRAMES, WINDOW_STATES = 5, 16, 50


def calls(ends: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Position and number of states of each call, for strides that end with these frames."""
    position = 0
    for end_frame in ends:
        while count := min((end_frame - 1) // 2 - position, CALL):
            yield position, count
            position += count


def expected_states(ends: Sequence[int]) -> tuple[FloatArray, FloatArray]:
    """States and levels since the onset at frame 0."""
    frames = np.concatenate((np.zeros((2, 13)), FRAMES))  # two of silence to look back on
    total = (ends[-1] - 1) // 2
    means = np.stack([frames[2 * state : 2 * state + 5].mean(axis=0) for state in range(total)])
    states = means + 0.01 * np.cumsum(means, axis=0) + 0.001 * np.arange(total)[:, None]
    states[3:] += 0.5 * means[:-3]
    for position, count in calls(ends):
        first = max(0, 2 * position - RING_FRAMES)
        in_ring = FRAMES[first : 2 * position].sum(axis=0) / RING_FRAMES
        states[position : position + count] += 0.1 * in_ring
    return states, 1 + np.square(means).mean(axis=1)


def assert_close(found: FloatArray, expected: FloatArray) -> None:
    np.testing.assert_allclose(found, expected, atol=2e-5)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=8), st.integers(3, 12))
def test_states_are_those_of_the_whole_speech(
    past_classifier: Classifier, strides: list[int], first: int
) -> None:
    ends = np.minimum(np.cumsum([first, *strides]), 400).tolist()
    states, levels = states_after(past_classifier, FRAMES, ends)
    expected, expected_levels = expected_states(ends)
    length = min(expected.shape[0], WINDOW_STATES)
    assert_close(states[:length], expected[-WINDOW_STATES:])
    assert_close(levels[:length], expected_levels[-WINDOW_STATES:])
    assert not states[length:].any()
    assert not levels[length:].any()


@pytest.mark.parametrize("stride", [1, 2, 7, 10, 25, 100, 240])
def test_a_stride_gives_the_same_bits_each_time(past_classifier: Classifier, stride: int) -> None:
    ends = range(40, 400, stride)
    (first, _), (second, _) = (states_after(past_classifier, FRAMES, ends) for _ in range(2))
    assert first.any()
    assert first.tobytes() == second.tobytes()


def test_the_logits_are_those_of_the_states_weighted_by_level(past_classifier: Classifier) -> None:
    encoding = past_classifier.encoding()
    for end_frame in (50, 75, 100, 125, 150):
        window = window_at(FRAMES, end_frame)
        found = past_classifier.infer(window, encoding, None).posteriors
    states, levels = expected_states((50, 75, 100, 125, 150))
    mean = levels[-WINDOW_STATES:] @ states[-WINDOW_STATES:] / levels[-WINDOW_STATES:].sum()
    matrix = 0.1 * np.random.default_rng(7).standard_normal((13, 9))
    np.testing.assert_allclose(found, softmax((mean @ matrix)[:8]), atol=1e-5)


def test_the_next_speech_begins_with_an_empty_past(past_classifier: Classifier) -> None:
    used, new = past_classifier.encoding(), past_classifier.encoding()
    past_classifier.infer(window_at(FRAMES, 150), used, None)
    for end_frame in (250, 275):
        second = window_at(FRAMES, end_frame, speech=2, first_frame=200)
        found = past_classifier.infer(second, used, None)
        expected = past_classifier.infer(second, new, None)
        assert found.posteriors.tobytes() == expected.posteriors.tobytes()
