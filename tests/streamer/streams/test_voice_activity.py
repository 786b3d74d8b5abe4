"""Voice activity: what is new in a window, and when a voice is gone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.dsp.frontend import Acoustics, Window
from emotiond.dsp.gate import GateState
from emotiond.inference.classifier import Prediction
from emotiond.streamer.streams.stride import Stride
from emotiond.streamer.streams.voice_activity import VoiceActivity

STRIDE = 4000
STRIDE_FRAMES, WINDOW_FRAMES = 25, 50


def stride(number: int) -> Stride:
    """The stride that ends after so many strides, all of its window loud enough for speech."""
    window = Window(1, 0, 0, np.empty((0, 0), np.float32), WINDOW_FRAMES, WINDOW_FRAMES)
    end = number * STRIDE
    acoustics = Acoustics(0, end, 1.0, -20.0, STRIDE_FRAMES, GateState.SPEAKING, window)
    return Stride(acoustics, end - WINDOW_FRAMES * 160, end, warm=True)


def voice(probability: float) -> Prediction:
    return Prediction(np.full(8, 1 / 8, np.float32), probability, None)


def activity(threshold: float = 0.5) -> VoiceActivity:
    return VoiceActivity(threshold, hop_length=160)


def test_a_window_at_the_threshold_holds_a_voice() -> None:
    assert activity(0.7).observe(stride(2), voice(0.7)) is not None
    assert activity(0.7).observe(stride(2), voice(0.69)) is None
    assert activity(0.0).observe(stride(2), None) is None


def test_the_first_window_counts_from_its_start() -> None:
    speech = activity().observe(stride(2), voice(1))
    assert speech is not None
    assert speech.elapsed_seconds == speech.seconds == 0.5
    assert speech.new_seconds == 0.25


def test_the_next_window_counts_from_the_last_voice() -> None:
    follower = activity()
    follower.observe(stride(2), voice(1))
    assert follower.observe(stride(3), voice(0)) is None
    speech = follower.observe(stride(4), voice(1))
    assert speech is not None
    assert speech.elapsed_seconds == speech.new_seconds == 0.5


def test_speech_before_the_window_is_not_new_in_it() -> None:
    follower = activity()
    for number in range(1, 5):
        follower.observe(stride(number), voice(0))
    speech = follower.observe(stride(5), voice(1))
    assert speech is not None
    assert speech.new_seconds == speech.seconds == 0.5


@given(st.lists(st.floats(0, 1), max_size=40), st.floats(0, 1))
def test_no_speech_counts_twice(probabilities: list[float], threshold: float) -> None:
    follower, new_seconds = activity(threshold), 0.0
    for number, probability in enumerate(probabilities, 1):
        speech = follower.observe(stride(number), voice(probability))
        new_seconds += speech.new_seconds if speech else 0.0
    assert new_seconds <= len(probabilities) * 0.25 + 1e-9


def test_a_voice_ends_once_after_each_pause() -> None:
    follower = activity()
    follower.observe(stride(2), voice(1))
    given_up = [number for number in range(3, 13) if follower.gives_up(stride(number))]
    assert given_up == [6, 10]  # after a second, and after one more


def test_a_restart_forgets_the_voice() -> None:
    follower = activity()
    follower.observe(stride(2), voice(1))
    follower.restart(100 * STRIDE)
    assert not follower.gives_up(stride(101))
    speech = follower.observe(stride(102), voice(1))
    assert speech is not None
    assert speech.elapsed_seconds == pytest.approx(0.5)
