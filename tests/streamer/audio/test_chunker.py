from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotiond.dsp.mono import mix_down
from emotiond.dsp.types import FloatArray
from emotiond.streamer.audio.chunker import Chunk, Chunker
from emotiond.streamer.audio.ring import Ring
from tests.support.mono import CANCELLING
from tests.support.signals import cut, noise, tone

STRIDE = 4000


def chunks_of(chunker: Chunker) -> list[Chunk]:
    """Return all complete chunks."""
    taken = []
    while (chunk := chunker.next_chunk()) is not None:
        taken.append(Chunk(chunk.samples.copy(), chunk.position, chunk.after_cut, chunk.last))
    return taken


def take_in(samples: FloatArray, rate: int, sizes: list[int]) -> list[Chunk]:
    """Write blocks of these sizes, and return the chunks that complete after each block."""
    ring = Ring(4 * rate, samples.shape[1], rate)
    chunker, taken = Chunker(ring, STRIDE), []
    for block in cut(samples, sizes):
        ring.write(block, 0)
        taken += chunks_of(chunker)
    ring.end()
    return taken + chunks_of(chunker)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_device_gives_strides_of_mono_at_16_khz(rate: int, channels: int) -> None:
    sound = np.repeat(tone(440, 1.1, 0.5, rate)[:, None], channels, axis=1)
    chunks = take_in(sound, rate, [rate // 100])
    assert [chunk.position for chunk in chunks] == [0, 4000, 8000, 12_000, 16_000]
    assert [chunk.samples.shape for chunk in chunks[:4]] == [(STRIDE,)] * 4
    assert chunks[4].samples.shape[0] == pytest.approx(1600, abs=2)
    assert [chunk.after_cut for chunk in chunks] == [True, False, False, False, False]
    assert [chunk.last for chunk in chunks] == [False, False, False, False, True]
    together = np.concatenate([chunk.samples for chunk in chunks])
    assert together.dtype == np.float32
    np.testing.assert_allclose(together[500:-500], tone(440, 1.1)[500:17_100], atol=5e-3)


def test_channels_are_mixed_down_to_their_mean() -> None:
    sound = np.stack((np.full(4000, 0.5), np.full(4000, -0.1)), axis=1).astype(np.float32)
    (chunk, rest) = take_in(sound, 16_000, [160])
    np.testing.assert_allclose(chunk.samples, 0.2, atol=1e-6)
    assert (rest.samples.shape[0], rest.position, rest.last) == (0, 4000, True)


def test_channels_that_cancel_are_heard_anew_after_a_cut() -> None:
    sound = CANCELLING["exactly"][:STRIDE]
    ring = Ring(16_000, 2, 16_000)
    chunker = Chunker(ring, STRIDE)
    ring.write(sound, 0)
    (first,) = chunks_of(chunker)
    np.testing.assert_array_equal(first.samples, mix_down(sound, 16_000))
    ring.cut()
    ring.write(sound, 0)
    (second,) = chunks_of(chunker)
    np.testing.assert_array_equal(second.samples, first.samples)


@settings(max_examples=15)
@given(
    st.sampled_from([16_000, 44_100, 48_000]),
    st.lists(st.integers(50, 9000), min_size=1, max_size=6),
)
def test_chunks_do_not_depend_on_the_timing_of_writes(rate: int, sizes: list[int]) -> None:
    sound = noise(1.3, -20, rate=rate)[:, None]
    expected, chunks = take_in(sound, rate, [rate]), take_in(sound, rate, sizes)
    assert [c.position for c in chunks] == [c.position for c in expected]
    for chunk, other in zip(chunks, expected, strict=True):
        assert chunk.samples.tobytes() == other.samples.tobytes()
        assert (chunk.after_cut, chunk.last) == (other.after_cut, other.last)


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_strides_keep_their_positions_after_a_loss(rate: int) -> None:
    ring = Ring(2 * rate, 1, rate)
    chunker = Chunker(ring, STRIDE)
    sound = noise(2.0, -20, rate=rate)[:, None]
    ring.write(sound[: rate * 3 // 10], 0)
    ring.skip(rate * 3 // 10)
    ring.write(sound[:rate], 0)
    ring.end()
    chunks = chunks_of(chunker)
    spans = [(c.position, c.position + c.samples.shape[0], c.after_cut) for c in chunks]
    assert spans[0] == (0, 4000, True)
    assert spans[1] == (4000, 4800, False)  # the audio before the loss is kept
    assert spans[2] == (9600, 12_000, True)
    assert spans[3] == (12_000, 16_000, False)
    assert spans[-1][1] == pytest.approx(9600 + 16_000, abs=2)
    assert chunker.dropped_samples == 4800


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_no_audio_from_before_a_cut_is_left_after_it(rate: int) -> None:
    ring = Ring(2 * rate, 1, rate)
    chunker = Chunker(ring, STRIDE)
    ring.write(np.ones((rate * 3 // 10, 1), np.float32), 0)
    ring.cut()
    ring.write(np.zeros((rate, 1), np.float32), 0)
    first, rest_of_it, after, *rest = chunks_of(chunker)
    before = np.concatenate((first.samples, rest_of_it.samples))
    assert before.shape[0] == 4800
    assert before[100:-100].min() > 0.99
    assert after.after_cut
    assert not after.samples.any()
    assert not any(chunk.after_cut for chunk in rest)
    assert chunker.dropped_samples == 0


def test_audio_before_a_cut_does_not_wait_for_audio_after_it() -> None:
    ring = Ring(32_000, 1, 16_000)
    chunker = Chunker(ring, STRIDE)
    ring.write(noise(0.3, -20)[:, None], 0)
    ring.cut()
    assert [chunk.samples.shape[0] for chunk in chunks_of(chunker)] == [4000, 800]
    ring.skip(12_000)
    ring.write(noise(0.5, -20)[:, None], 0)
    chunks = chunks_of(chunker)
    assert [(chunk.position, chunk.after_cut) for chunk in chunks] == [
        (16_800, True),
        (20_000, False),
    ]


def test_overwritten_samples_count_as_dropped_at_16_khz() -> None:
    ring = Ring(48_000, 1, 48_000)
    chunker = Chunker(ring, STRIDE)
    for block in cut(noise(1.5, -20, rate=48_000)[:, None], [480]):
        ring.write(block, 0)
    first = chunks_of(chunker)[0]
    assert first.after_cut
    assert first.position == 8000
    assert chunker.dropped_samples == 8000


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_an_empty_stream_ends_with_one_empty_chunk(rate: int) -> None:
    (chunk,) = take_in(np.empty((0, 1), np.float32), rate, [1])
    assert (chunk.samples.shape, chunk.position, chunk.last) == ((0,), 0, True)


def test_after_the_last_chunk_there_is_none() -> None:
    ring = Ring(16_000, 1, 16_000)
    chunker = Chunker(ring, STRIDE)
    ring.write(noise(0.1, -20)[:, None], 0)
    ring.end()
    assert [chunk.last for chunk in chunks_of(chunker)] == [True]
    assert chunker.next_chunk() is None


@pytest.mark.parametrize("rate", [11_025, 16_000, 44_100])
def test_the_ring_wakes_the_worker_for_every_stride(rate: int) -> None:
    ring = Ring(2 * rate, 1, rate)
    chunker, woken = Chunker(ring, STRIDE), []
    ring.on_wake(lambda: woken.append(True))
    chunks = chunks_of(chunker)
    for block in cut(noise(1.2, -20, rate=rate)[:, None], [rate // 100]):
        ring.write(block, 0)
        if woken:
            woken.clear()
            chunks += chunks_of(chunker)
    ring.end()
    assert woken
    chunks += chunks_of(chunker)
    assert chunks[-1].last
    assert sum(chunk.samples.shape[0] for chunk in chunks) == pytest.approx(19_200, abs=2)


def test_it_reports_the_lag_and_the_capture_time() -> None:
    ring = Ring(48_000, 1, 48_000)
    chunker = Chunker(ring, STRIDE)
    ring.write(np.zeros((4800, 1), np.float32), 7.0)
    assert chunker.lag_seconds == pytest.approx(0.1)
    assert chunker.capture_time(1600) == pytest.approx(7.0)
    assert chunker.capture_time(800) == pytest.approx(6.95)
    assert chunker.capture_time(1601) is None
