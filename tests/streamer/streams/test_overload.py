"""The relief of a machine that is too slow: the levels, and a daemon with a slow model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.streams.overload import MOST_LAG_SECONDS, STRETCHES, Overload
from tests.conftest import DATA
from tests.support.daemon import running_daemon
from tests.support.signals import RATE, demo
from tests.support.sound_server import write_wav

STRIDE = 4000


def test_the_stride_grows_with_the_lag_before_audio_is_dropped() -> None:
    overload = Overload()
    seen = []
    for lag_seconds in (0.0, 0.9, 1.1, 1.9, 2.1, 2.9, 3.1, 9.0):
        overload.observe(lag_seconds, 0.25)
        seen.append((overload.stretch, overload.loses))
    kept, lost = [(1, False)] * 2 + [(2, False)] * 2 + [(4, False)] * 2, [(4, True)] * 2
    assert seen == kept + lost


def test_the_level_rises_by_one_per_stride() -> None:
    overload = Overload()
    stretches = [overload.observe(100.0, 0.25) and overload.stretch for _ in range(4)]
    assert stretches == [2, 4, 4, False]


def test_each_overload_doubles_the_calm_time_that_ends_it() -> None:
    calm_seconds: list[float] = []
    overload = Overload()
    for _ in range(12):
        while overload.level == 0:
            overload.observe(2 * MOST_LAG_SECONDS[0], 0.25)
        seconds = 0.0
        while overload.level:
            overload.observe(0.0, 0.25)
            seconds += 0.25
        calm_seconds.append(seconds)
    assert calm_seconds[:4] == [0.5, 1, 2, 4]
    assert calm_seconds[-1] == 60  # the longest
    for _ in range(1000):
        overload.observe(0.0, 0.25)
    assert overload.observe(2 * MOST_LAG_SECONDS[0], 0.25)
    assert [overload.observe(0.0, 0.25) for _ in range(2)] == [
        False,
        True,
    ]


@given(st.lists(st.floats(0, 20), max_size=200))
def test_levels_change_by_one_and_every_change_is_reported(lags_seconds: list[float]) -> None:
    overload, level = Overload(), 0
    for lag_seconds in lags_seconds:
        assert overload.observe(lag_seconds, 0.25) == (overload.level != level)
        assert abs(overload.level - level) <= 1
        level = overload.level
        assert overload.stretch == STRETCHES[level]


@pytest.fixture
def speech_then_silence(tmp_path: Path) -> Path:
    """Half a minute. Only the first five seconds need inference."""
    sound = np.concatenate((np.resize(demo()[: 3 * RATE], 5 * RATE), np.zeros(25 * RATE)))
    return write_wav(tmp_path / "speech.wav", sound.astype(np.float32))


def test_a_daemon_with_a_slow_model_reports_the_overload_and_recovers(
    speech_then_silence: Path,
) -> None:
    slow = ("--model", str(DATA / "slow.tflite"), "--stride", "0.1", "--json")
    with running_daemon("--source", str(speech_then_silence), *slow) as daemon:
        seen, oldest_ms = [], 0.0
        for event in daemon.events():
            if event["type"] == "status":
                seen.append(event["status"])
                if seen[-2:] == ["overload", "running"]:
                    break
            elif event["type"] == "emotion":
                oldest_ms = max(oldest_ms, event["age_ms"])
    assert seen[:2] == ["running", "overload"]
    assert event["seq"] > 10
    assert 500 < oldest_ms < 20_000  # the ring holds 8 s, and a busy machine infers for seconds
