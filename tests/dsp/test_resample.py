from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from emotiond.dsp.resample import Resampler
from emotiond.dsp.types import FloatArray
from tests.support.signals import block_sizes, cut, noise, tone


def resampled(samples: FloatArray, from_rate: int, sizes: list[int]) -> FloatArray:
    resampler = Resampler(from_rate, 16_000)
    pieces = [resampler.push(block) for block in cut(samples, sizes)]
    return np.concatenate([*pieces, resampler.push(np.empty(0, np.float32), last=True)])


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("hz", [100, 1000, 3000])
def test_a_tone_keeps_its_pitch_and_its_level(rate: int, hz: int) -> None:
    converted = resampled(tone(hz, 1.0, 0.5, rate), rate, [441])
    middle = converted[2000:14_000].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(middle.size), 16_000))
    assert abs(int(spectrum.argmax()) - hz) <= 1
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_frequencies_above_8_khz_do_not_alias(rate: int) -> None:
    converted = resampled(tone(12_000, 0.5, 0.5, rate), rate, [441])
    assert np.abs(converted[1000:-1000]).max() < 0.001


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_the_duration_is_preserved(rate: int) -> None:
    assert resampled(noise(1.0, -20, rate=rate), rate, [1000]).shape[0] == pytest.approx(
        16_000, abs=2
    )


@settings(max_examples=15)
@given(block_sizes)
def test_the_size_of_the_blocks_does_not_matter(sizes: list[int]) -> None:
    samples = noise(0.3, -20, rate=44_100)
    whole = resampled(samples, 44_100, [samples.shape[0]])
    in_blocks = resampled(samples, 44_100, sizes)
    assert in_blocks.shape == whole.shape
    np.testing.assert_allclose(in_blocks, whole, atol=1e-5)


@pytest.mark.parametrize(
    ("rate", "delay_ms"),
    [(8_000, 30.0), (22_050, 10.9), (32_000, 7.5), (44_100, 13.6), (48_000, 12.5), (96_000, 13.8)],
)
def test_a_live_signal_is_delayed_little_and_always_alike(rate: int, delay_ms: float) -> None:
    """As docs/reliability.md says."""
    resampler = Resampler(rate, 16_000, live=True)
    block, sent, come, held_ms = rate // 100, 0, 0, []
    samples = noise(3.0, -20, rate=rate)
    for first in range(0, samples.shape[0] - block, block):
        come += resampler.push(samples[first : first + block]).shape[0]
        sent += block
        held_ms.append(1000 * (sent / rate - come / 16_000))
    np.testing.assert_allclose(held_ms[20:], delay_ms, atol=0.3)
    come += resampler.push(np.empty(0, np.float32), last=True).shape[0]
    assert come == pytest.approx(sent * 16_000 / rate, abs=1.5)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_a_live_tone_keeps_its_level_and_its_place(rate: int) -> None:
    resampler = Resampler(rate, 16_000, live=True)
    pieces = [resampler.push(block) for block in cut(tone(1000, 1.0, 0.5, rate), [rate // 100])]
    live = np.concatenate([*pieces, resampler.push(np.empty(0, np.float32), last=True)])
    turning = np.exp(-2j * np.pi * 1000 * np.arange(live.shape[0]) / 16_000)
    early, late = (
        (2 * live * turning)[part].mean() for part in (slice(1600, 4800), slice(11_200, 14_400))
    )
    reference = 2 * resampled(tone(1000, 1.0, 0.5, rate), rate, [441])[:14_400] * turning[:14_400]
    wanted = reference[11_200:14_400].mean()
    assert abs(early) == pytest.approx(0.5, rel=0.002)
    assert abs(late - early) < 0.001  # it does not drift
    shift_seconds = abs(np.angle(late / wanted)) / (2 * np.pi * 1000)
    assert shift_seconds < 0.0002


def test_equal_rates_pass_through_untouched() -> None:
    samples = noise(0.1, -20)
    assert Resampler(16_000, 16_000).push(samples) is samples


def test_a_restart_discards_the_old_audio() -> None:
    resampler = Resampler(48_000, 16_000)
    resampler.push(np.ones(480, np.float32))
    resampler.restart()
    rest = resampler.push(np.zeros(480, np.float32), last=True)
    assert rest.shape[0] > 0
    assert not rest.any()
