from __future__ import annotations

import dataclasses
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotiond.dsp.frontend import Acoustics, FeatureHistory, FrontEnd, WindowShape
from emotiond.dsp.gate import GateState
from emotiond.dsp.mfcc import Mfcc
from emotiond.dsp.types import FloatArray
from tests.support.signals import block_sizes, cut, demo, noise, speech_recipe, tone

RECIPE = speech_recipe(n_mels=26, n_mfcc=13)
SHAPE = WindowShape(frames=100, minimum_frames=38)
STRIDE = 4000
HELD = 250
"""Frames that a window's features reach back."""
SILENCE = np.zeros(32_000, np.float32)


def front_end() -> FrontEnd:
    return FrontEnd(RECIPE, SHAPE)


def acoustics_of(samples: FloatArray, stride: int = STRIDE) -> list[Acoustics]:
    """Return the result of every stride. Windows are copied: they are valid for one push only."""
    stream, pushed = front_end(), []
    for chunk in cut(samples, [stride]):
        acoustics = stream.push(chunk)
        if acoustics.window is not None:
            kept = dataclasses.replace(acoustics.window, features=acoustics.window.features.copy())
            acoustics = dataclasses.replace(acoustics, window=kept)
        pushed.append(acoustics)
    return pushed


@pytest.mark.parametrize("onset", [16_000, 20_000, 23_920])
def test_windows_begin_0_2_s_before_the_onset(onset: int) -> None:
    samples = np.concatenate((SILENCE[:onset], tone(300, 1.5)))
    partial = [
        acoustics
        for acoustics in acoustics_of(samples)
        if acoustics.window and acoustics.window.frames < 100
    ]
    assert partial
    # The first loud frame is the first that the tone reaches into.
    first_frame = -(-(onset - 399) // 160)
    assert {acoustics.start_sample for acoustics in partial} == {(first_frame - 20) * 160}


def test_a_speech_that_begins_at_once_has_no_pre_roll() -> None:
    acoustics = acoustics_of(tone(300, 0.5))
    assert [h.window.frames for h in acoustics if h.window] == [RECIPE.frames_in(8000)]
    assert acoustics[-1].start_sample == 0


def test_a_window_names_the_frames_of_its_speech() -> None:
    samples = np.concatenate((SILENCE, tone(300, 1.5)))
    windows = [h.window for h in acoustics_of(samples) if h.window]
    first_frame = -(-(SILENCE.shape[0] - 399) // 160) - 20
    assert {window.first_frame for window in windows} == {first_frame}
    assert {window.speech for window in windows} == {windows[0].speech}
    assert [window.end_frame for window in windows] == [
        RECIPE.frames_in(end) for end in range(36_000, 56_001, STRIDE)
    ]
    for window in windows:
        assert window.frames == min(100, window.end_frame - first_frame)


def test_each_onset_has_another_number() -> None:
    pause = np.zeros(17_000, np.float32)
    samples = np.concatenate((tone(300, 1.0), pause, tone(300, 1.0), pause, tone(300, 1.0)))
    speeches = [h.window.speech for h in acoustics_of(samples) if h.window]
    assert speeches == sorted(speeches)
    assert len(set(speeches)) == 3


def test_a_speech_that_is_ended_is_followed_by_another() -> None:
    stream = front_end()
    first = stream.push(tone(300, 1.0)).window
    stream.end_speech()
    second = stream.push(tone(300, 1.0)).window
    assert first is not None
    assert second is not None
    assert second.speech != first.speech
    assert second.first_frame == first.end_frame - 20


def test_the_same_frames_after_a_restart_are_another_speech() -> None:
    stream = front_end()
    first = stream.push(tone(300, 1.0)).window
    stream.restart()
    second = stream.push(tone(300, 1.0)).window
    assert first is not None
    assert second is not None
    assert second.speech != first.speech
    assert (second.first_frame, second.end_frame) == (first.first_frame, first.end_frame)


def test_a_window_slides_on_once_it_is_full() -> None:
    acoustics = acoustics_of(tone(300, 3.0))
    for k, pushed in enumerate(acoustics, 1):
        frames = RECIPE.frames_in(k * STRIDE)
        if pushed.window is not None:
            assert pushed.window.frames == min(100, frames)
        assert pushed.end_sample == RECIPE.end_of(frames)
        assert pushed.start_sample == max(0, frames - 100) * 160


@pytest.mark.parametrize("stride", [160, STRIDE, 3 * 16_000])
@pytest.mark.parametrize("speech", [demo()[:96_000], np.concatenate((SILENCE, demo()[:96_000]))])
def test_a_window_holds_the_latest_features_after_those_of_silence(
    speech: FloatArray, stride: int
) -> None:
    everything = Mfcc(RECIPE).of_signal(speech)
    silence = np.tile(Mfcc(RECIPE).of_signal(SILENCE[:400])[0], (HELD, 1))
    windows = [acoustics.window for acoustics in acoustics_of(speech, stride) if acoustics.window]
    assert windows
    for window in windows:
        expected = np.concatenate((silence, everything[: window.end_frame]))[-HELD:]
        assert window.features.shape == (HELD, 13)
        np.testing.assert_allclose(window.features, expected, atol=1e-4)


def test_a_window_longer_than_what_is_kept_anyway_is_held_whole() -> None:
    stream = FrontEnd(RECIPE, WindowShape(frames=400, minimum_frames=38))
    window = stream.push(tone(300, 5.0)).window
    assert window is not None
    assert window.frames == window.features.shape[0] == 400


def test_no_window_holds_anything_from_a_former_speech() -> None:
    pause = np.zeros(17_000, np.float32)  # over 0.8 s and the pre-roll
    acoustics = acoustics_of(np.concatenate((tone(300, 1.0), pause, tone(300, 0.7))))
    second = [h for h in acoustics if h.window and h.end_sample > 16_000 + 17_000]
    assert second
    assert all(h.start_sample >= 16_000 + 17_000 - 3200 - 560 for h in second)


def test_there_is_no_window_below_the_minimum() -> None:
    acoustics = acoustics_of(tone(300, 1.0), 160)
    frames = [h.window.frames for h in acoustics if h.window]
    assert min(frames) == 38
    assert [h.window is None for h in acoustics] == sorted([h.window is None for h in acoustics])[
        ::-1
    ]


def test_there_is_no_window_in_silence() -> None:
    for acoustics in acoustics_of(np.zeros(48_000, np.float32)):
        assert acoustics.window is None
        assert acoustics.gate is GateState.QUIET
        assert acoustics.speech_ratio == 0
        assert acoustics.level_dbfs == pytest.approx(-120, abs=1e-3)


def test_speech_brings_windows() -> None:
    assert sum(acoustics.window is not None for acoustics in acoustics_of(demo())) > 10


def test_the_speech_ratio_is_the_share_of_loud_frames() -> None:
    samples = np.concatenate((tone(300, 0.5), SILENCE[:8000], tone(300, 0.5)))
    last = acoustics_of(samples, 16)[-1]
    assert last.window is not None
    assert last.window.active_frames / last.window.frames == pytest.approx(last.speech_ratio)
    assert last.speech_ratio == pytest.approx(0.5, abs=0.06)


def test_loud_frames_are_counted_as_they_come() -> None:
    samples = np.concatenate((SILENCE, tone(300, 0.5), SILENCE, tone(300, 0.4), SILENCE))
    acoustics = acoustics_of(samples, 1000)
    assert sum(h.new_active_frames for h in acoustics) == pytest.approx(90, abs=6)
    assert not any(h.new_active_frames for h in acoustics if h.end_sample < 32_000)
    first_speech = [h for h in acoustics if h.end_sample < 40_000]
    window = first_speech[-1].window
    assert window is not None
    assert sum(h.new_active_frames for h in first_speech) == window.active_frames


def test_the_level_is_that_of_the_newest_stride() -> None:
    loud, _, soft = acoustics_of(np.concatenate((tone(300, 0.25, 1.0), tone(300, 0.5, 0.01))))
    assert loud.level_dbfs == pytest.approx(-3.01, abs=0.1)
    assert soft.level_dbfs == pytest.approx(-43.01, abs=0.1)


def test_a_push_that_completes_no_frame_changes_nothing() -> None:
    stream = front_end()
    before = stream.push(tone(300, 0.5))
    after = stream.push(np.zeros(1, np.float32))
    assert (after.level_dbfs, after.end_sample, after.start_sample) == (
        before.level_dbfs,
        before.end_sample,
        before.start_sample,
    )
    assert after.new_active_frames == 0


@pytest.mark.parametrize("count", [0, 1, 399])
def test_before_the_first_frame_there_is_nothing(count: int) -> None:
    acoustics = front_end().push(np.ones(count, np.float32))
    assert (acoustics.start_sample, acoustics.end_sample, acoustics.window) == (0, 0, None)
    assert (acoustics.speech_ratio, acoustics.level_dbfs) == (0, -120)


@settings(max_examples=10)
@given(block_sizes)
def test_each_frame_is_computed_once(sizes: list[int]) -> None:
    stream, position = front_end(), 0
    for block in cut(demo()[:16_000], sizes):
        stream.push(block)
        position += block.shape[0]
        assert stream.frames_computed == RECIPE.frames_in(position)


def test_the_same_chunks_give_the_same_bits() -> None:
    samples = np.concatenate((demo()[:96_000], noise(1.0, -40)))
    for first, second in zip(acoustics_of(samples), acoustics_of(samples), strict=True):
        assert (first.window is None) == (second.window is None)
        if first.window is not None and second.window is not None:
            assert first.window.features.tobytes() == second.window.features.tobytes()
        assert dataclasses.replace(first, window=None) == dataclasses.replace(second, window=None)


def test_a_restart_is_a_cold_start() -> None:
    used, new = front_end(), front_end()
    for chunk in cut(demo()[:50_000], [STRIDE]):
        used.push(chunk)
    used.restart()
    assert used.frames_computed == 0
    for chunk in cut(demo()[50_000:90_000], [STRIDE]):
        first, second = used.push(chunk), new.push(chunk)
        assert dataclasses.replace(first, window=None) == dataclasses.replace(second, window=None)
        assert (first.window is None) == (second.window is None)
        if first.window is not None and second.window is not None:
            np.testing.assert_array_equal(first.window.features, second.window.features)


@given(st.integers(1, 8), st.lists(st.integers(0, 40), max_size=60))
def test_the_history_is_the_end_of_a_list(keep: int, pushes: list[int]) -> None:
    silence = np.array([0.5, -0.5], np.float32)
    everything, history = [0.5] * keep, FeatureHistory(keep, silence)
    for count in pushes:
        number = history.frames
        new = np.arange(number, number + count, dtype=np.float32)
        history.push(np.stack((new, -new), axis=1), new % 3 == 0)
        everything += new.tolist()
        assert history.frames == len(everything) - keep
        expected = everything[-keep:]
        assert history.latest[:, 0].tolist() == expected
        assert history.latest[:, 1].tolist() == [-value for value in expected]
        assert history.latest.flags.c_contiguous
        for wanted in range(keep + 1):
            active = sum(value % 3 == 0 for value in expected[keep - wanted :])
            assert history.active_in(wanted) == active


def test_a_history_that_restarts_is_silence() -> None:
    history = FeatureHistory(4, np.array([0.5], np.float32))
    history.push(np.ones((9, 1), np.float32), np.ones(9, np.bool_))
    history.restart()
    assert history.frames == history.active_in(4) == 0
    assert history.latest.tolist() == [[0.5]] * 4


def test_streams_share_the_matrices_of_their_transform() -> None:
    recipe, shape = speech_recipe(n_mels=80, n_mfcc=80), WindowShape(frames=200, minimum_frames=25)
    streams = [FrontEnd(recipe, shape)]
    tracemalloc.start()
    streams.append(FrontEnd(recipe, shape))
    more_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    kept_bytes = HELD * recipe.n_mfcc * 4
    assert more_bytes < 1.25 * kept_bytes + 10_000, "beside the features, next to nothing"
