"""Augments recordings: rooms, microphones, telephone lines and voices."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import soxr
from scipy.signal import butter, fftconvolve, sosfilt

from emotiond.dsp.mel import slaney_centres_hz
from emotiond.dsp.mfcc import dct_matrix
from emotiond.dsp.types import FloatArray
from emotiond.inference.card import SAMPLE_RATE
from emotiond.models.training.common.model_input import RECIPE

Samples = npt.NDArray[np.float32]
Features = npt.NDArray[np.float32]
Random = np.random.Generator
Warp = Callable[[Features], Features]
"""Changes features of shape ``(frames, n_mfcc)``, frame by frame."""

_WARP_KNEE_HZ = 4800.0


def vary(samples: Samples, noises: Sequence[Samples], random: Random) -> Samples:
    """Vary speed, microphone, room, noise, line and level, so little that the emotion stays."""
    if random.random() < 0.7:
        samples = change_speed(samples, float(random.uniform(0.86, 1.16)))
    if random.random() < 0.5:
        samples = tilt(samples, float(random.uniform(-8, 8)))
    if random.random() < 0.3:
        samples = reverberate(samples, float(random.uniform(0.15, 0.8)), random)
    if random.random() < 0.45:
        samples = add_noise(samples, any_noise(noises, random), float(random.uniform(3, 30)))
    if random.random() < 0.12:
        samples = telephone(samples)
    return change_gain(samples, float(random.uniform(-24, 16)))


def vary_voice(random: Random) -> Warp:
    """Imitate another speaker: warp the spectrum of most streams."""
    if random.random() < 0.7:
        factor = float(random.uniform(0.85, 1.18))
        return lambda features: warp_spectrum(features, factor)
    return unchanged


def unchanged(features: Features) -> Features:
    """Leave the spectrum as it is."""
    return features


def change_speed(samples: Samples, factor: float) -> Samples:
    """Play faster and higher (``factor`` > 1), or slower and lower, to imitate another voice."""
    return _single(soxr.resample(samples, SAMPLE_RATE * factor, SAMPLE_RATE))


def warp_spectrum(features: Features, factor: float) -> Features:
    """Scale all frequencies, as a longer or shorter vocal tract would.

    The tempo stays, unlike in :func:`change_speed`. Above 4.8 kHz (or less, for factors above 1),
    the factor approaches 1 at the highest frequency. Jaitly and Hinton, *Vocal tract length
    perturbation improves speech recognition* (2013).

    Args:
        features: coefficients of the models' recipe, ``(frames, n_mfcc)``.
        factor: above 1 lowers the voice, below 1 raises it.
    """
    centres_hz = slaney_centres_hz(RECIPE)
    knee_hz = _WARP_KNEE_HZ / max(factor, 1.0)
    moved_hz = np.interp(
        centres_hz, (0, knee_hz, RECIPE.high_hz), (0, knee_hz * factor, RECIPE.high_hz)
    )
    at = np.interp(moved_hz, centres_hz, np.arange(RECIPE.n_mels))
    below = np.minimum(at.astype(int), RECIPE.n_mels - 2)
    dct = dct_matrix(RECIPE.n_mels, RECIPE.n_mfcc)
    mel = features @ dct.T
    warped = mel[:, below] + (at - below) * (mel[:, below + 1] - mel[:, below])
    return _single(warped @ dct)


def change_gain(samples: Samples, gain_db: float) -> Samples:
    """Scale, clip at full scale and round to 16 bits, as a sound card does."""
    scaled = np.clip(samples * 10 ** (gain_db / 20), -1, 1 - 2**-15)
    return _single(np.round(scaled * 2**15) / 2**15)


def tilt(samples: Samples, treble_db: float) -> Samples:
    """Raise or lower frequencies above about 1 kHz, as different microphones do."""
    sos = butter(1, 1000, "high", fs=SAMPLE_RATE, output="sos")
    treble = sosfilt(sos, samples)
    return _single(samples + (10 ** (treble_db / 20) - 1) * treble)


def reverberate(samples: Samples, decay_seconds: float, random: Random) -> Samples:
    """Add the reverberation of a room: noise that decays by 60 dB in ``decay_seconds``."""
    time = np.arange(int(SAMPLE_RATE * min(decay_seconds, 0.5))) / SAMPLE_RATE
    tail = random.standard_normal(time.size) * 10 ** (-3 * time / decay_seconds)
    direct_to_reverberant_db = random.uniform(-3, 9)
    tail *= np.sqrt(10 ** (-direct_to_reverberant_db / 10) / np.sum(tail**2))
    tail[0] = 1
    return _single(fftconvolve(samples, tail.astype(np.float32))[: samples.size])


def telephone(samples: Samples) -> Samples:
    """Keep 300 to 3400 Hz."""
    sos = butter(4, (300, 3400), "band", fs=SAMPLE_RATE, output="sos")
    return _single(sosfilt(sos, samples))


def add_noise(samples: Samples, noise: Samples, snr_db: float) -> Samples:
    """Add noise, repeated to length. The SNR refers to the loud part of the speech."""
    noise = np.resize(noise, samples.shape)
    power = np.square(samples)
    loud = power[power > 0.01 * power.max()]
    noise_power = np.mean(np.square(noise))
    if not loud.size or noise_power == 0:
        return samples
    gain = np.sqrt(loud.mean() / noise_power / 10 ** (snr_db / 10))
    return _single(samples + gain * noise)


def any_noise(noises: Sequence[Samples], random: Random) -> Samples:
    """Return a synthetic or a recorded noise of about five seconds, from a random position."""
    if not noises or random.random() < 0.4:
        return coloured_noise(5 * SAMPLE_RATE, float(random.choice((0, 1, 2))), random)
    noise = noises[int(random.integers(len(noises)))]
    return np.roll(noise, int(random.integers(noise.size)))


def bursts(noise: Samples, random: Random) -> Samples:
    """Return two seconds of hiss with one to three bursts of a noise: a knock, a bark, a snap.

    The hiss has −80 dBFS. The burst is the loudest of four random parts of the noise.
    """
    sound = (random.standard_normal(2 * SAMPLE_RATE) * 1e-4).astype(np.float32)
    n_samples = min(int(random.uniform(0.08, 1.5) * SAMPLE_RATE), noise.size)
    starts = random.integers(0, noise.size - n_samples + 1, 4).tolist()
    pieces = [noise[start : start + n_samples] for start in starts]
    loudest = max(pieces, key=lambda piece: float(np.square(piece).sum()))
    fade_seconds = float(random.uniform(0.003, 0.04))
    at = np.arange(n_samples) / SAMPLE_RATE / fade_seconds
    burst = _single(loudest * np.minimum(1, np.minimum(at, at[::-1])))
    for _ in range(int(random.integers(1, 4))):
        start = int(random.integers(0, sound.size - n_samples + 1))
        sound[start : start + n_samples] += burst * random.uniform(0.3, 1)
    return sound


def coloured_noise(n_samples: int, exponent: float, random: Random) -> Samples:
    """Return noise with a spectrum of 1/f^exponent (0 white, 1 pink, 2 brown) at −20 dBFS."""
    n_fft = 1 << (n_samples - 1).bit_length()
    spectrum = np.fft.rfft(random.standard_normal(n_fft))
    spectrum *= np.maximum(np.arange(spectrum.size), n_fft * 20 / SAMPLE_RATE) ** (-exponent / 2)
    noise = np.fft.irfft(spectrum)[:n_samples]
    return _single(noise / np.sqrt(np.mean(noise**2)) * 0.1)


def _single(samples: FloatArray) -> Samples:
    single: Samples = samples.astype(np.float32)
    return single
