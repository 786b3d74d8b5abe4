from __future__ import annotations

import numpy as np
import pytest

from emotiond.dsp.frontend import Acoustics, Window
from emotiond.dsp.gate import GateState
from emotiond.streamer.streams.stride import Stride

WINDOW = Window(1, 0, 100, np.zeros((100, 13), np.float32), 100, 100)


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("window", [None, WINDOW], ids=["silence", "sound"])
def test_the_model_runs_for_a_window_after_the_warm_up(warm: bool, window: Window | None) -> None:
    acoustics = Acoustics(0, 4000, 1.0, -20.0, 25, GateState.SPEAKING, window)
    needed = Stride(acoustics, 0, 4000, warm).needs_inference
    assert needed is (warm and window is not None)
