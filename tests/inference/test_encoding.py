from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.dsp.types import FloatArray
from emotiond.inference import encoding
from emotiond.inference.card import EncoderShape
from emotiond.inference.encoding import MOST_STATES, Encoding
from tests.support.windows import HELD_FRAMES, window_at

SHAPE = EncoderShape(frames_per_state=2, look_back_frames=3, look_ahead_frames=1, states_per_call=4)
WINDOW_STATES = 6
PAST = {
    "ring_keys": (1, 2, 10, 2),
    "ring_wide": (1, 8, 2),
    "tail_convolution": (1, 3, 2),
    "tail_long": (1, 11, 2),
    "hold_level": (1, 1),
}
ROWS_PER_STATE = {"ring_keys": 1, "ring_wide": 2, "tail_convolution": 1, "tail_long": 2}
FRAMES = np.stack((np.arange(1, 1301), -np.arange(1, 1301)), axis=1).astype(np.float32)
"""Each frame is known by its number, from 1 on."""


def new_encoding() -> Encoding:
    return Encoding(SHAPE, WINDOW_STATES, 2, PAST)


def rows_of(states: FloatArray, name: str) -> FloatArray:
    """What a call returns for an array: its states, once or twice, rubbish after the valid ones."""
    rows = np.repeat(states, ROWS_PER_STATE[name], axis=0)
    return np.broadcast_to(rows, (*PAST[name][:-2], *rows.shape))


class Recorder:
    """An encoder whose states are the features of their first frames, and what it was given."""

    def __init__(self) -> None:
        self.encoding = new_encoding()
        self.states: list[list[float]] = []
        self.calls: list[int] = []

    def push(self, end_frame: int, speech: int = 1, first_frame: int = 0) -> None:
        window = window_at(FRAMES, end_frame, speech, first_frame)
        while True:
            count, features = self.encoding.next_call(window)
            if count == 0:
                assert features.shape == (0, 2)
                return
            if self.encoding.position == 0:
                self.states = []
            look_around = SHAPE.look_back_frames + SHAPE.look_ahead_frames
            assert features.shape == (2 * count + look_around, 2)
            states = np.full((SHAPE.states_per_call, 2), np.nan, np.float32)
            states[:count] = features[SHAPE.look_back_frames : -SHAPE.look_ahead_frames : 2]
            self.states += states[:count].tolist()
            self.calls.append(count)
            past = {name: rows_of(states, name) for name in ROWS_PER_STATE}
            past["hold_level"] = np.full((1, 1), states[count - 1, 0])
            self.encoding.add(count, states, np.abs(states[:, 0]), past)

    def window(self) -> tuple[FloatArray, FloatArray]:
        states = np.full((WINDOW_STATES, 2), np.nan, np.float32)
        levels = np.full(WINDOW_STATES, np.nan, np.float32)
        self.encoding.copy_window(states, levels)
        return states, levels

    def check(self) -> None:
        """Compare all arrays with the list of states since the encoding began."""
        assert self.encoding.position == len(self.states)
        states = np.array(self.states, np.float32).reshape(-1, 2)
        latest = states[-WINDOW_STATES:]
        expected = np.zeros((WINDOW_STATES, 2), np.float32)
        expected[: latest.shape[0]] = latest
        np.testing.assert_array_equal(self.window()[0], expected)
        np.testing.assert_array_equal(self.window()[1], np.abs(expected[:, 0]))
        for name, per_state in ROWS_PER_STATE.items():
            kept = self.encoding.past[name]
            n_rows, rows = kept.shape[-2], np.repeat(states, per_state, axis=0)
            padded = np.concatenate((np.zeros((n_rows, 2), np.float32), rows))[-n_rows:]
            for part in kept.reshape(-1, n_rows, 2):
                if name.startswith("ring"):  # in any order
                    assert sorted(part.tolist()) == sorted(padded.tolist())
                else:
                    np.testing.assert_array_equal(part, padded)
        last = states[-1, 0] if len(states) else 0
        np.testing.assert_array_equal(self.encoding.past["hold_level"], [[last]])


def states_until(end_frame: int, first_frame: int = 0) -> list[list[float]]:
    """The first frame of each state that the frames suffice for."""
    last = end_frame - SHAPE.look_ahead_frames - SHAPE.frames_per_state
    return FRAMES[first_frame : last + 1 : 2].tolist() if last >= first_frame else []


def test_all_is_zero_before_the_first_call() -> None:
    Recorder().check()


@given(st.lists(st.integers(0, 60), max_size=20))
def test_each_array_keeps_the_latest_rows(strides: list[int]) -> None:
    recorder, end_frame = Recorder(), 0
    for stride in strides:
        end_frame += stride
        recorder.push(end_frame)
        recorder.check()
        assert recorder.states == states_until(end_frame)


@given(st.integers(0, 60), st.integers(1, 12), st.integers(1, 100))
def test_any_stride_gives_each_state_once(first_frame: int, strides: int, stride: int) -> None:
    recorder = Recorder()
    for number in range(1, strides + 1):
        recorder.push(first_frame + number * stride, first_frame=first_frame)
    assert recorder.states == states_until(first_frame + strides * stride, first_frame)
    recorder.check()


def test_a_long_stride_takes_several_calls_and_a_short_one_none() -> None:
    recorder = Recorder()
    recorder.push(25)
    assert recorder.calls == [4, 4, 4]
    recorder.push(26)
    assert recorder.calls == [4, 4, 4]
    recorder.push(27)
    assert recorder.calls == [4, 4, 4, 1]


def test_the_same_window_gives_no_state_twice() -> None:
    recorder = Recorder()
    for _ in range(2):
        recorder.push(50)
    assert recorder.states == states_until(50)


def test_frames_of_the_future_are_not_due() -> None:
    assert new_encoding().next_call(window_at(FRAMES, 2))[0] == 0
    count, features = new_encoding().next_call(window_at(FRAMES, 3))
    assert count == 1
    assert features[:, 0].tolist() == [0, 0, 0, 1, 2, 3]  # three of silence, one ahead


def test_the_encoder_sees_frames_before_the_onset() -> None:
    _, features = new_encoding().next_call(window_at(FRAMES, 60, first_frame=50))
    assert features[:4, 0].tolist() == [48, 49, 50, 51]


def test_a_new_speech_clears_the_past() -> None:
    recorder = Recorder()
    recorder.push(100)
    recorder.push(140, speech=2, first_frame=120)
    assert recorder.states == states_until(140, 120)
    recorder.check()


@pytest.mark.parametrize("end_frame", [0, 1, 52])
def test_a_new_speech_too_short_for_a_state_leaves_nothing_of_the_former(end_frame: int) -> None:
    recorder = Recorder()
    recorder.push(100)
    recorder.push(end_frame, speech=2, first_frame=max(0, end_frame - 2))
    assert recorder.encoding.position == 0
    assert not recorder.window()[0].any()
    assert not any(array.any() for array in recorder.encoding.past.values())


LONGEST = HELD_FRAMES - SHAPE.look_back_frames - SHAPE.look_ahead_frames
"""The longest stride after which the frame that follows the last state is held."""


def test_a_stride_of_all_that_is_held_is_no_gap() -> None:
    recorder = Recorder()
    recorder.push(101)
    recorder.push(101 + LONGEST)
    assert recorder.states == states_until(101 + LONGEST)
    recorder.check()


def test_after_a_gap_the_encoding_begins_anew_with_the_earliest_frame_held() -> None:
    recorder = Recorder()
    recorder.push(101)
    recorder.push(101 + LONGEST + 1)
    earliest = 101 + LONGEST + 1 - HELD_FRAMES + SHAPE.look_back_frames
    assert recorder.states == states_until(101 + LONGEST + 1, earliest)
    recorder.check()


def test_a_speech_longer_than_what_is_held_begins_with_the_earliest_frame_held() -> None:
    recorder = Recorder()
    recorder.push(900, first_frame=100)
    assert recorder.states == states_until(900, 900 - HELD_FRAMES + SHAPE.look_back_frames)


def test_float32_holds_every_position() -> None:
    positions = np.float32(MOST_STATES) + np.arange(1000, dtype=np.float32)
    assert np.diff(positions).tolist() == [1] * 999


def test_a_speech_of_days_begins_anew_with_the_earliest_frame_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(encoding, "MOST_STATES", 200)
    recorder = Recorder()
    for end_frame in range(25, 451, 25):
        recorder.push(end_frame)
        recorder.check()
    # the frame after 200 states comes by 425, when 250 frames are held
    assert recorder.states == states_until(450, 425 - HELD_FRAMES + SHAPE.look_back_frames)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 300)), max_size=12))
def test_whatever_came_before_a_new_speech_is_like_a_new_encoding(
    before: Sequence[tuple[bool, int]],
) -> None:
    used, new, end_frame, speech, first = Recorder(), Recorder(), 0, 1, 0
    for begins, frames in before:
        if begins:
            speech, first = speech + 1, end_frame
        end_frame = min(end_frame + frames, 900)
        used.push(end_frame, speech, first)
    for end in (end_frame + 30, end_frame + 60):
        used.push(end, speech + 1, end_frame)
        new.push(end, 1, end_frame)
    assert used.states == new.states
    assert used.window()[0].tobytes() == new.window()[0].tobytes()
    for name, array in used.encoding.past.items():
        assert array.tobytes() == new.encoding.past[name].tobytes()
