"""The values of the settings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.settings.config import Config
from emotiond.streamer.sources.source import Playback


def test_files_play_in_real_time_and_again_unless_other_is_set() -> None:
    assert Config().playback == Playback(realtime=True, loop=True)
    assert Config(speed="max", once=True).playback == Playback(realtime=False, loop=False)


@given(st.integers(1, 1000))
def test_every_stride_of_whole_frames_is_a_whole_number_of_samples(steps: int) -> None:
    assert Config(stride=steps / 100).stride_samples == 160 * steps
