from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.sources.live_writer import LiveWriter
from tests.support.signals import tone

RATE = 16_000


def written(ring: Ring) -> np.ndarray:
    block = ring.read(ring.available) if ring.available else None
    return np.empty(0, np.float32) if block is None else block.samples[:, 0]


@given(st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000]), st.integers(1, 4))
def test_the_ring_gets_all_of_it_as_mono_at_16_khz(rate: int, channels: int) -> None:
    ring = Ring(2 * RATE, 1, RATE)
    writer = LiveWriter(rate, channels, ring)
    sound = np.repeat(tone(440, 1.0, rate=rate)[:, None], channels, axis=1)
    for start in range(0, rate, 441):
        writer.write(sound[start : start + 441], start / rate)
    writer.flush()
    assert ring.available == pytest.approx(RATE, abs=1)
    middle = written(ring)[4_000:12_000]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(np.sqrt(np.mean(sound**2)), rel=0.02)


def test_what_the_resampler_holds_back_does_not_change_the_time() -> None:
    ring = Ring(2 * RATE, 1, RATE)
    writer = LiveWriter(48_000, 1, ring)
    sound = tone(440, 1.0, rate=48_000)[:, None]
    for end in range(480, 48_001, 480):
        writer.write(sound[end - 480 : end], 100.0 + end / 48_000)
    last = ring.available
    assert 0 < RATE - last < 0.05 * RATE  # something is held back
    assert ring.capture_time(last) == pytest.approx(100.0 + last / RATE, abs=1e-3)


def test_after_a_flush_it_begins_anew() -> None:
    def play(writer: LiveWriter, ring: Ring) -> bytes:
        writer.write(tone(300, 0.5, rate=44_100)[:, None], 1.0)
        writer.flush()
        return written(ring).tobytes()

    ring = Ring(2 * RATE, 1, RATE)
    writer = LiveWriter(44_100, 1, ring)
    assert play(writer, ring) == play(writer, ring)
