from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.dsp.framing import FrameStream, frame_view
from emotiond.dsp.recipe import Recipe

lengths = st.integers(1, 40)
blocks = st.lists(st.integers(0, 60), max_size=30)


def recipe(frame_length: int, hop_length: int) -> Recipe:
    return Recipe(16_000, frame_length, hop_length, 64, 1, 1)


@given(lengths, lengths, blocks)
def test_frame_k_begins_at_k_hops_whatever_the_blocks(
    frame_length: int, hop_length: int, sizes: list[int]
) -> None:
    # The signal counts its own samples from 1; the lead of the first is the 0 before it.
    signal = np.arange(1, sum(sizes) + 1, dtype=np.float32)
    stream, position, frames = FrameStream(recipe(frame_length, hop_length)), 0, []
    for size in sizes:
        new = stream.push(signal[position : position + size])
        position += size
        frames += new.tolist()
        assert len(frames) == recipe(frame_length, hop_length).frames_in(position)
    for k, frame in enumerate(frames):
        first = k * hop_length
        assert frame == list(range(first, first + frame_length + 1))


@given(lengths, lengths, st.integers(0, 200))
def test_a_view_of_a_whole_signal_has_its_full_frames(
    frame_length: int, hop_length: int, samples: int
) -> None:
    view = frame_view(np.arange(samples, dtype=np.float32), frame_length, hop_length)
    assert view.shape == (recipe(frame_length, hop_length).frames_in(samples), frame_length)
    for k, frame in enumerate(view):
        assert frame.tolist() == list(range(k * hop_length, k * hop_length + frame_length))


def test_frames_share_the_signals_memory_and_cannot_be_written_to() -> None:
    signal = np.zeros(1000, np.float32)
    view = frame_view(signal, 400, 160)
    assert np.shares_memory(view, signal)
    with pytest.raises(ValueError, match="read-only"):
        view[0, 0] = 1


def test_after_a_restart_the_next_sample_is_sample_0() -> None:
    stream = FrameStream(recipe(3, 10))
    stream.push(np.ones(15, np.float32))
    stream.restart()
    frames = stream.push(np.arange(1, 20, dtype=np.float32))
    assert frames.tolist() == [[0, 1, 2, 3], [10, 11, 12, 13]]


def test_later_samples_do_not_change_earlier_frames() -> None:
    stream = FrameStream(recipe(2, 2))
    first = stream.push(np.array([1, 2, 3], np.float32))
    stream.push(np.array([9, 9, 9], np.float32))
    assert first.tolist() == [[0, 1, 2]]
