"""What samples from outside are made of, and held to."""

from __future__ import annotations

import numpy as np

from emotiond.dsp.types import FloatArray

_LARGEST_SAMPLE = 1e6  # floats may be off scale, of 16 bits for instance, but not off the charts


def from_s16le(data: bytes) -> FloatArray:
    """Signed 16-bit little-endian integers as samples in -1 to 1, shape ``(n,)``."""
    return np.frombuffer(data, "<i2").astype(np.float32) / 32768


def are_plausible(samples: FloatArray) -> bool:
    """Whether all are numbers, and none absurdly large."""
    return bool(np.abs(samples).max(initial=0) <= _LARGEST_SAMPLE)  # which no NaN is
