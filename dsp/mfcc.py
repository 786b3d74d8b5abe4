"""Mel-frequency cepstral coefficients (MFCCs) of frames, of a whole signal, or of a stream."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emotiond.dsp.framing import FrameStream, frame_view
from emotiond.dsp.mel import mel_filters
from emotiond.dsp.recipe import Recipe
from emotiond.dsp.types import FloatArray

_BATCH_FRAMES = 256  # frames of a whole signal at a time, so that they fit in the cache


def window_samples(recipe: Recipe) -> npt.NDArray[np.float64]:
    """Return the analysis window, periodic, shape ``(frame_length,)``."""
    phase: npt.NDArray[np.float64] = (
        2 * np.pi * np.arange(recipe.frame_length) / recipe.frame_length
    )
    if recipe.window == "hann":
        return 0.5 - 0.5 * np.cos(phase)
    if recipe.window == "hamming":
        return 0.54 - 0.46 * np.cos(phase)
    return np.ones(recipe.frame_length)


def dct_matrix(n_mels: int, n_mfcc: int) -> npt.NDArray[np.float64]:
    """Return the orthonormal DCT-II: ``log_mel @ matrix`` are MFCCs. Shape ``(n_mels, n_mfcc)``.

    ``X[k] = s(k) · Σ x[n] cos(πk(2n + 1) / 2N)``, ``s(0) = √(1/N)``, else ``√(2/N)``.
    """
    n = np.arange(n_mels)[:, None]
    k = np.arange(n_mfcc)[None, :]
    angles = np.pi * k * (2 * n + 1) / (2 * n_mels)
    matrix: npt.NDArray[np.float64] = np.cos(angles) * np.sqrt(2 / n_mels)
    matrix[:, 0] /= np.sqrt(2)
    return matrix


class Mfcc:
    """Transforms frames to MFCCs by one recipe. It has matrices, but no state.

    Powers are always float64. In float32, rounding errors of strong sound outside the bands, such
    as hum or a constant offset, would mask weak sound inside them.

    Args:
        recipe: what to compute.
        dtype: type of the logarithms, the later steps and the result.
    """

    def __init__(self, recipe: Recipe, dtype: npt.DTypeLike = np.float32) -> None:
        self.recipe = recipe
        self.dtype = np.dtype(dtype)
        self._fitting = min(recipe.frame_length, recipe.n_fft)
        self._window = window_samples(recipe)[: self._fitting]
        self._log = np.log if recipe.logarithm == "ln" else np.log10
        lift = np.ones(recipe.n_mfcc)
        if recipe.lifter:
            n = np.arange(recipe.n_mfcc)
            lift = 1 + recipe.lifter / 2 * np.sin(np.pi * n / recipe.lifter)
        bands, dct = mel_filters(recipe), dct_matrix(recipe.n_mels, recipe.n_mfcc) * lift
        if recipe.append_energy:  # one more band, the only one in coefficient 0
            bands = np.vstack((bands, np.ones(bands.shape[1])))
            dct[:, 0] = 0
            dct = np.vstack((dct, np.eye(1, recipe.n_mfcc)))
        self._bands = bands.T
        self._dct = dct.astype(self.dtype)

    def __call__(self, frames: FloatArray) -> FloatArray:
        """Return the MFCCs of frames with one sample of lead each.

        Args:
            frames: shape ``(n, 1 + frame_length)``, as from :class:`FrameStream`.

        Returns:
            Shape ``(n, n_mfcc)``.
        """
        features: FloatArray = (
            self._logarithm(self.power_spectrum(frames) @ self._bands) @ self._dct
        )
        return features

    def power_spectrum(self, frames: FloatArray) -> FloatArray:
        """Return the power spectrum of frames with lead, shape ``(n, 1 + n_fft // 2)``."""
        recipe = self.recipe
        signal = frames[:, 1 : 1 + self._fitting]
        if recipe.pre_emphasis:
            emphasis = np.multiply(
                frames[:, : self._fitting], recipe.pre_emphasis, dtype=np.float64
            )
            signal = np.subtract(signal, emphasis, out=emphasis)
        if recipe.window != "rectangular":
            signal = signal * self._window
        spectrum = np.fft.rfft(signal.astype(np.float64, copy=False), recipe.n_fft)
        squares = spectrum.view(np.float64)  # real and imaginary parts alternate
        np.square(squares, out=squares)
        power: FloatArray = squares[:, ::2] + squares[:, 1::2]
        if recipe.spectrum == "periodogram":
            power *= 1 / recipe.n_fft
        return power

    def mel_powers(self, frames: FloatArray) -> FloatArray:
        """Return mel powers before floor and logarithm, shape ``(n, n_mels)``."""
        powers: FloatArray = self.power_spectrum(frames) @ self._bands[:, : self.recipe.n_mels]
        return powers

    def of_signal(self, samples: FloatArray) -> FloatArray:
        """Return the MFCCs of all full frames of a whole signal.

        Args:
            samples: shape ``(n,)``.

        Returns:
            Shape ``(recipe.frames_in(n), n_mfcc)``.
        """
        recipe = self.recipe
        led = np.concatenate((np.zeros(1, samples.dtype), samples))
        frames = frame_view(led, recipe.frame_length + 1, recipe.hop_length)
        features = np.empty((frames.shape[0], recipe.n_mfcc), self.dtype)
        for first in range(0, frames.shape[0], _BATCH_FRAMES):
            batch = slice(first, first + _BATCH_FRAMES)
            features[batch] = self(frames[batch])
        return features

    def _logarithm(self, powers: FloatArray) -> FloatArray:
        """Apply floor and logarithm. This overwrites the powers."""
        floor = self.recipe.log_floor
        if self.recipe.floor == "clamp":
            np.maximum(powers, floor, out=powers)
        else:
            np.putmask(powers, powers == 0, floor)
        self._log(powers, out=powers)
        return powers.astype(self.dtype, copy=False)


class StreamingMfcc:
    """Computes MFCCs of a stream, which it takes in blocks of any size."""

    def __init__(self, recipe: Recipe, dtype: npt.DTypeLike = np.float32) -> None:
        self._frames = FrameStream(recipe)
        self._mfcc = Mfcc(recipe, dtype)

    def push(self, samples: FloatArray) -> FloatArray:
        """Add a block of shape ``(n,)`` and return the MFCCs of the frames that it completes."""
        return self._mfcc(self._frames.push(samples))

    def restart(self) -> None:
        """Discard the signal so far."""
        self._frames.restart()
