from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.dsp.level import SILENCE_DBFS, levels_dbfs, mean_level_dbfs
from tests.support.signals import tone


def test_a_full_scale_square_wave_is_0_dbfs() -> None:
    square = np.where(np.arange(400) % 2, 1, -1)[None].astype(np.float32)
    assert levels_dbfs(square) == pytest.approx([0], abs=1e-5)


def test_a_full_scale_sine_is_3_db_below() -> None:
    assert levels_dbfs(tone(1000, 0.025, 1.0)[None]) == pytest.approx([-3.0103], abs=1e-3)


@pytest.mark.parametrize("amplitude", [0, 1e-7, 1e-20, 1e-38])
def test_the_scale_ends_at_minus_120(amplitude: float) -> None:
    levels = levels_dbfs(np.full((3, 400), amplitude, np.float32))
    assert levels == pytest.approx([SILENCE_DBFS] * 3, abs=1e-4)
    assert SILENCE_DBFS == -120


@given(st.floats(-115, 700))
def test_levels_follow_the_amplitude_however_loud(dbfs: float) -> None:
    frames = np.full((1, 100), 10 ** (dbfs / 20), np.float32)
    assert levels_dbfs(frames) == pytest.approx([dbfs], abs=1e-3)


def test_several_frames_have_the_mean_of_their_powers() -> None:
    assert mean_level_dbfs(np.array([-20.0, SILENCE_DBFS])) == pytest.approx(-23.0103, abs=1e-4)
    assert mean_level_dbfs(np.array([-20.0, -20.0])) == pytest.approx(-20)


def test_nothing_is_silent() -> None:
    assert mean_level_dbfs(np.empty(0)) == SILENCE_DBFS
    assert levels_dbfs(np.empty((0, 400), np.float32)).shape == (0,)
