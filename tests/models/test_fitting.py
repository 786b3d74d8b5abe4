"""What is set after training, from what models said of people who are not reported."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from emotiond.dsp.frontend import Heard, Window
from emotiond.dsp.gate import GateState
from emotiond.inference.classifier import Prediction
from emotiond.models.fitting import OPEN_SHARE, fit_voice_threshold
from emotiond.models.listening import Step
from emotiond.streamer.streams.stride import Stride

EVEN = np.full(8, 1 / 8)


def step(voice: float, active_frames: int) -> Step:
    window = Window(np.empty((0, 0), np.float32), frames=300, active_frames=active_frames)
    heard = Heard(0, 48000, 1.0, -20.0, active_frames, GateState.SPEAKING, window)
    return Step(Stride(heard, 0, 48000, warm=True), Prediction(EVEN, voice, None))


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 300)), min_size=1, max_size=60))
def test_speech_stays_open(spoken: list[tuple[float, int]]) -> None:
    threshold = fit_voice_threshold([[step(*one) for one in spoken]])
    passed = sum(frames for voice, frames in spoken if voice >= threshold)
    assert passed >= OPEN_SHARE * sum(frames for _, frames in spoken) - 1e-6


def test_the_threshold_is_as_high_as_that_allows() -> None:
    steps = [step(voice, 100) for voice in np.linspace(0, 1, 1001)]
    assert 1 - OPEN_SHARE - 0.001 <= fit_voice_threshold([steps]) <= 1 - OPEN_SHARE
