"""Mel filter banks in two common definitions: HTK and Slaney."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emotiond.dsp.recipe import Recipe

# Slaney, Auditory Toolbox (1998): linear to 1 kHz (15 mel), then 27 steps per factor of 6.4.
_SLANEY_HZ_PER_MEL = 200.0 / 3
_SLANEY_BREAK_HZ = 1000.0
_SLANEY_BREAK_MEL = _SLANEY_BREAK_HZ / _SLANEY_HZ_PER_MEL
_SLANEY_LOG_STEP = np.log(6.4) / 27


def mel_filters(recipe: Recipe) -> npt.NDArray[np.float64]:
    """Return the matrix from a power spectrum to mel powers.

    Returns:
        Shape ``(n_mels, 1 + n_fft // 2)``.
    """
    return _htk_filters(recipe) if recipe.mel_scale == "htk" else _slaney_filters(recipe)


def slaney_centres_hz(recipe: Recipe) -> npt.NDArray[np.float64]:
    """Return the peak frequencies of the triangles on the Slaney scale, shape ``(n_mels,)``."""
    return _slaney_corners_hz(recipe)[1:-1]


def _htk_filters(recipe: Recipe) -> npt.NDArray[np.float64]:
    """Triangles with corners at whole FFT bins, as in HTK and python_speech_features."""
    low, high = (2595 * np.log10(1 + hz / 700.0) for hz in (recipe.low_hz, recipe.high_hz))
    corners_hz = 700 * (10 ** (np.linspace(low, high, recipe.n_mels + 2) / 2595.0) - 1)
    corners = np.floor((recipe.n_fft + 1) * corners_hz / recipe.sample_rate)
    bins = np.arange(1 + recipe.n_fft // 2)
    filters = np.zeros((recipe.n_mels, bins.size))
    for weights, left, peak, right in zip(
        filters, corners[:-2], corners[1:-1], corners[2:], strict=True
    ):
        rising = (bins >= left) & (bins < peak)
        falling = (bins >= peak) & (bins < right)
        weights[rising] = (bins[rising] - left) / (peak - left)
        weights[falling] = (right - bins[falling]) / (right - peak)
    return filters


def _slaney_filters(recipe: Recipe) -> npt.NDArray[np.float64]:
    """Triangles of equal area between exact frequencies, as in librosa and Whisper."""
    corners = _slaney_corners_hz(recipe)
    bins_hz = np.arange(1 + recipe.n_fft // 2) * (recipe.sample_rate / recipe.n_fft)
    left, peak, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising = (bins_hz - left) / (peak - left)
    falling = (right - bins_hz) / (right - peak)
    filters: npt.NDArray[np.float64] = np.maximum(0, np.minimum(rising, falling))
    return filters * (2 / (right - left))


def _slaney_corners_hz(recipe: Recipe) -> npt.NDArray[np.float64]:
    low, high = (_hz_to_slaney_mel(hz) for hz in (recipe.low_hz, recipe.high_hz))
    return _slaney_mel_to_hz(np.linspace(low, high, recipe.n_mels + 2))


def _hz_to_slaney_mel(hz: float) -> float:
    if hz < _SLANEY_BREAK_HZ:
        return hz / _SLANEY_HZ_PER_MEL
    return float(_SLANEY_BREAK_MEL + np.log(hz / _SLANEY_BREAK_HZ) / _SLANEY_LOG_STEP)


def _slaney_mel_to_hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    logarithmic = _SLANEY_BREAK_HZ * np.exp(_SLANEY_LOG_STEP * (mel - _SLANEY_BREAK_MEL))
    return np.where(mel < _SLANEY_BREAK_MEL, mel * _SLANEY_HZ_PER_MEL, logarithmic)
