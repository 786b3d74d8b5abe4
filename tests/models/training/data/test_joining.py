"""Two clips are joined so closely that the speech has no pause."""

from __future__ import annotations

import numpy as np
import pytest

from emotiond.models.training.data.joining import (
    FRAME_SAMPLES,
    LONGEST_GAP_SECONDS,
    join,
    speech_frames,
)
from tests.models.sounds import RATE

TONE = np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE).astype(np.float32)
SILENCE = 0 * TONE


@pytest.mark.parametrize("seed", range(8))
def test_the_second_speech_follows_within_the_longest_gap(seed: int) -> None:
    first = np.concatenate((SILENCE, TONE, SILENCE))
    second = np.concatenate((SILENCE, 0.5 * TONE, SILENCE))
    joined = join(first, second, np.random.default_rng(seed))
    at = joined.change_sample
    gap = at - 2 * RATE
    assert 0 <= gap <= LONGEST_GAP_SECONDS * RATE
    np.testing.assert_array_equal(joined.samples[: 2 * RATE], first[: 2 * RATE])
    np.testing.assert_array_equal(joined.samples[at:], second[RATE:])
    assert not joined.samples[2 * RATE : at].any()


def test_clips_without_silence_are_joined_as_closely_as_they_can() -> None:
    joined = join(TONE, 0.5 * TONE, np.random.default_rng(0))
    assert joined.change_sample == RATE
    assert joined.samples.size == 2 * RATE


def test_a_seed_gives_the_same_gap_and_another_seed_another_one() -> None:
    clip = np.concatenate((SILENCE, TONE, SILENCE))
    gaps = [join(clip, clip, np.random.default_rng(seed)).change_sample for seed in (0, 0, 1)]
    assert gaps[0] == gaps[1] != gaps[2]


def test_speech_is_within_30_db_of_the_peak_and_bridges_short_gaps() -> None:
    faint, gap, pause = 0.01 * TONE, SILENCE[: RATE * 29 // 100], SILENCE[: RATE * 3 // 10]
    speech = speech_frames(np.concatenate((faint, TONE, gap, TONE, pause, TONE)))
    assert FRAME_SAMPLES == RATE // 100
    assert not speech[:100].any()
    assert speech[100:329].all()
    assert not speech[329:359].any()
    assert speech[359:].all()
