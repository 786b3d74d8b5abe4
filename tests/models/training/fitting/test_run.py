"""A run sees windows of its own side, whose states and frames belong together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("scipy", reason="training varies sounds with scipy: pip install .[train]")

from emotiond.models.training.data.examples import Streams
from emotiond.models.training.fitting.distillation import Lesson
from emotiond.models.training.fitting.full import HEADS
from emotiond.models.training.fitting.lite import LITE
from emotiond.models.training.fitting.run import (
    N_STATES,
    RUNS,
    SPEECH_STATES,
    Run,
    Settings,
    Windows,
    parts_of,
)


def rows_of(streams: Streams) -> np.ndarray:
    return np.arange(streams.columns.label.size)


def run_of(streams: Streams, name: str) -> Run:
    return Run(Windows(streams), Path(name), Settings({}, 0, 1.0))


@given(st.floats(0, 2))
def test_a_scale_changes_only_the_number_of_steps(scale: float) -> None:
    settings = Settings({}, seed=0, scale=scale)
    for schedule in (HEADS, *LITE):
        scaled = settings.scaled(schedule)
        assert type(scaled) is type(schedule)
        assert scaled.rate == schedule.rate
        assert scaled.steps == max(2, round(schedule.steps * scale))
        if isinstance(schedule, Lesson):
            assert isinstance(scaled, Lesson)
            assert scaled.hint_weight == schedule.hint_weight


def test_a_window_is_the_last_two_seconds_of_its_speech(streams: Streams) -> None:
    windows, rows = Windows(streams), rows_of(streams)
    states, levels = windows.states(rows), windows.levels(rows)
    assert N_STATES == 50
    lengths = set()
    for row in rows.tolist():
        first, end = streams.first_state[row], streams.end_state[row]
        n = min(end - first, N_STATES)
        lengths.add(int(n))
        np.testing.assert_array_equal(states[row, :n], streams.states[end - n : end])
        np.testing.assert_array_equal(levels[row, :n], streams.levels[end - n : end])
        assert not states[row, n:].any()
        assert not levels[row, n:].any()
    assert min(lengths) < N_STATES == max(lengths)


def test_a_speech_for_lite_is_its_last_three_seconds_in_whole_states(streams: Streams) -> None:
    rows = rows_of(streams)
    mel, loudest, block = Windows(streams).speeches(rows)
    assert mel.shape == (rows.size, SPEECH_STATES * 8, 80)
    skipping = 0
    for row in rows.tolist():
        first, end = streams.first_frame[row], streams.end_frame[row]
        count = (end - first) // 8
        skipped = max(0, count - SPEECH_STATES)
        skipping += skipped > 0
        kept = count - skipped
        own = streams.mel[first : first + 8 * count].astype(np.float32)
        np.testing.assert_array_equal(mel[row, : 8 * kept], own[8 * skipped :])
        assert (mel[row, 8 * kept :] == -10).all()
        levels = 10 + own.max(axis=1).reshape(count, 8).max(axis=1)
        so_far = np.maximum.accumulate(levels)
        np.testing.assert_array_equal(loudest[row, :kept], so_far[skipped:])
        assert not loudest[row, kept:].any()
        full = streams.states[streams.first_state[row] : streams.end_state[row]]
        full = full[:, full.shape[1] // 2 :].astype(np.float32)
        pairs = (full[0 : 2 * count : 2][: len(full) // 2] + full[1 : 2 * count : 2]) / 2
        last = min(count, len(pairs))  # the last one may lack its second state
        np.testing.assert_array_equal(block[row, : last - skipped], pairs[skipped:last])
        if last < count:
            np.testing.assert_array_equal(block[row, kept - 1], full[-1])
        assert not block[row, kept:].any()
    assert 0 < skipping < rows.size


def test_a_population_is_measured_on_a_fifth_of_the_voices(streams: Streams) -> None:
    windows, columns = Windows(streams), streams.columns
    assert windows.few_spoken(rows_of(streams)).tolist() == [*range(0, 68, 5)]
    assert windows.few_spoken(np.flatnonzero(columns.label < 0)).size == 0


@pytest.mark.parametrize("name", RUNS)
def test_the_folder_of_a_run_names_the_fold_that_it_leaves_out(streams: Streams, name: str) -> None:
    run, columns = run_of(streams, name), streams.columns
    left_out = {"fold1": 1, "fold2": 2, "fold3": 3, "fold4": 4}.get(name)
    assert run.rows.tolist() == columns.rows_without(left_out).tolist()
    assert set(run.measured) <= set(run.rows)
    assert set(columns.stream[run.measured]) == set(columns.stream[run.rows])
    assert set(run.watched) <= set(columns.rows_of(left_out))
    assert len(set(columns.stream[run.watched])) == run.watched.size
    assert not set(run.rows) & set(run.watched)


def test_the_held_out_fold_decides_nothing_about_the_rows(
    streams: Streams, others: Streams
) -> None:
    one, other = (run_of(data, "fold1") for data in (streams, others))
    assert one.rows.tolist() == other.rows.tolist()
    assert one.measured.tolist() == other.measured.tolist()


def test_an_accuracy_is_that_of_all_parts(streams: Streams) -> None:
    run = run_of(streams, "fold1")
    rows = rows_of(streams)
    scores = np.zeros((rows.size, 8))
    scores[:, 1] = 1
    measure = run.accuracy_watch(rows, lambda part: scores[part])
    assert measure() == np.mean(streams.columns.label == 1)
    assert np.isnan(run.accuracy_watch(rows[:0], lambda part: scores[part])())


@given(st.integers(0, 300))
def test_parts_are_small_and_hold_every_row_once(n: int) -> None:
    parts = parts_of(np.arange(n))
    assert max(map(len, parts)) <= 64
    assert np.concatenate(parts).tolist() == [*range(n)]
