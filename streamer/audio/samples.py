"""Decodes and checks samples from outside."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from emotiond.dsp.types import FloatArray

_LARGEST_SAMPLE = 16.0
"""24 dB above full scale. Peaks of sound in floats may lie above 1, but not as far as integers."""
_INTEGER_BITS = (16, 24, 32)


class Fault(NamedTuple):
    """Why samples cannot be sound, and what helps."""

    problem: str
    remedy: str


def from_s16le(data: bytes) -> FloatArray:
    """Convert signed 16-bit little-endian integers to samples from -1 to 1, shape ``(n,)``."""
    return np.frombuffer(data, "<i2").astype(np.float32) / 32768


def peak_of(samples: FloatArray) -> float:
    """Return the largest magnitude of the samples; NaN where one of them is."""
    return float(np.maximum(samples.max(initial=0), -samples.min(initial=0)))


def fault_of(peak: float) -> Fault | None:
    """Return what is wrong with samples in floats of this peak; None if they may be sound."""
    if peak <= _LARGEST_SAMPLE:  # false for NaN, too
        return None
    if not np.isfinite(peak):
        return Fault(
            "there are samples that are not finite numbers",
            "Replace them: numpy.nan_to_num in Python, or export it again as 16-bit PCM",
        )
    # The peak may be of a part of the sound. Louder parts may follow: it excludes smaller scales.
    possible = [(bits, 2 ** (bits - 1)) for bits in _INTEGER_BITS if peak <= 2 ** (bits - 1)]
    if not possible:
        return Fault(
            f"samples reach {peak:.3g}, where 1 is full scale", "Divide them by their peak"
        )
    (_, smallest), *_ = possible
    return Fault(
        f"samples reach {peak:.5g}, where 1 is full scale: they are scaled as integers",
        f"Divide them by {', or '.join(f'{scale} for {bits} bits' for bits, scale in possible)}; "
        f"for a file: ffmpeg -i FILE -af volume=1/{smallest} out.wav",
    )
