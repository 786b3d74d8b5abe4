from __future__ import annotations

import numpy as np
import pytest
import python_speech_features as psf
from hypothesis import given
from hypothesis import strategies as st

from emotiond.dsp.mel import mel_filters
from tests.support.signals import speech_recipe


def slaney_hz(mel: float) -> float:
    """66.67 Hz per mel up to 1 kHz, then 27 mel for a factor of 6.4."""
    return mel * 200 / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27)


def slaney_mel(hz: float) -> float:
    return hz * 3 / 200 if hz < 1000 else 15 + 27 * float(np.log(hz / 1000) / np.log(6.4))


@given(
    n_mels=st.integers(1, 128),
    n_fft=st.integers(64, 2048),
    rate=st.sampled_from([8_000, 16_000, 44_100]),
    low_hz=st.floats(0, 1000),
    width=st.floats(0.1, 1),
)
def test_htk_filters_are_those_of_python_speech_features(
    n_mels: int, n_fft: int, rate: int, low_hz: float, width: float
) -> None:
    high_hz = low_hz + width * (rate / 2 - low_hz)
    recipe = speech_recipe(
        sample_rate=rate, n_fft=n_fft, n_mels=n_mels, n_mfcc=1, low_hz=low_hz, high_hz=high_hz
    )
    expected = psf.get_filterbanks(n_mels, n_fft, rate, low_hz, high_hz)
    np.testing.assert_allclose(mel_filters(recipe), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("n_mels", "n_fft"), [(80, 400), (40, 512), (128, 2048)])
def test_slaney_filters_are_triangles_of_equal_area_between_exact_frequencies(
    n_mels: int, n_fft: int
) -> None:
    recipe = speech_recipe(mel_scale="slaney", n_mels=n_mels, n_mfcc=1, n_fft=n_fft)
    filters = mel_filters(recipe)
    assert filters.shape == (n_mels, 1 + n_fft // 2)
    step = slaney_mel(8000) / (n_mels + 1)
    corners = [slaney_hz(k * step) for k in range(n_mels + 2)]
    for band in range(n_mels):
        left, peak, right = corners[band : band + 3]
        for k in range(0, 1 + n_fft // 2, 3):
            hz = k * 16_000 / n_fft
            height = min((hz - left) / (peak - left), (right - hz) / (right - peak))
            expected = max(0.0, height) * 2 / (right - left)
            assert filters[band, k] == pytest.approx(expected, abs=1e-12)


def test_slaney_filters_have_the_area_of_one_hertz() -> None:
    recipe = speech_recipe(mel_scale="slaney", n_fft=65_536)
    areas = mel_filters(recipe).sum(axis=1) * 16_000 / 65_536
    np.testing.assert_allclose(areas, 1, rtol=1e-3)


def test_slaney_bands_are_those_published_with_whisper() -> None:
    # The lowest of its 80 bands at 16 kHz and 400 points, to the digits that librosa prints.
    bands = mel_filters(speech_recipe(mel_scale="slaney", n_mels=80, n_mfcc=1, n_fft=400))
    np.testing.assert_allclose(bands[0, :3], [0, 0.02486259, 0], atol=1e-8)
    np.testing.assert_allclose(bands[1, :4], [0, 0.00199082, 0.02287178, 0], atol=1e-8)


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_nothing_outside_the_bands_counts(scale: str) -> None:
    filters = mel_filters(speech_recipe(mel_scale=scale, low_hz=300.0, high_hz=3000.0))
    hz = np.arange(257) * 16_000 / 512
    assert (filters >= 0).all()
    assert not filters[:, (hz < 270) | (hz > 3030)].any()
    assert filters.sum(axis=0)[(hz > 400) & (hz < 2800)].all()
