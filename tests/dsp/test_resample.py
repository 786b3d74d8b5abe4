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
