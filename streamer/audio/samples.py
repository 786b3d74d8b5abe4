"""Decodes and checks samples from outside."""

from __future__ import annotations

import numpy as np

from emotiond.dsp.types import FloatArray

_LARGEST_SAMPLE = 1e6  # floats may be scaled to 16 bits, for instance, but not larger still


def from_s16le(data: bytes) -> FloatArray:
    """Convert signed 16-bit little-endian integers to samples from -1 to 1, shape ``(n,)``."""
    return np.frombuffer(data, "<i2").astype(np.float32) / 32768


def to_mono(samples: FloatArray) -> FloatArray:
    """Mix the channels of samples of shape ``(n, channels)`` to one, of shape ``(n,)``."""
    if samples.shape[1] == 1:
        return samples[:, 0]
    mixed: FloatArray = samples.mean(axis=1)
    return mixed


def are_plausible(samples: FloatArray) -> bool:
    """Return whether all samples are finite and not absurdly large."""
    return bool(np.abs(samples).max(initial=0) <= _LARGEST_SAMPLE)  # false for NaN, too
