"""How loud sound is."""

from __future__ import annotations

import numpy as np

from emotiond.dsp.types import FloatArray

SILENCE_DBFS = -120.0
"""Where the scale ends: anything quieter, digital silence too, counts as this."""

_SILENCE_POWER = 10 ** (SILENCE_DBFS / 10)


def levels_dbfs(frames: FloatArray) -> FloatArray:
    """Root-mean-square level of each frame; a full-scale square wave is 0 dBFS.

    Args:
        frames: shape ``(n, length)``, samples in −1 … 1.

    Returns:
        Shape ``(n,)``, at least :data:`SILENCE_DBFS`.
    """
    power = np.einsum("ij,ij->i", frames, frames, dtype=np.float64) / max(1, frames.shape[1])
    levels: FloatArray = 10 * np.log10(np.maximum(power, _SILENCE_POWER))
    return levels


def mean_level_dbfs(levels: FloatArray) -> float:
    """Level of several frames together: the mean of their powers, not of their decibels."""
    if not levels.size:
        return SILENCE_DBFS
    powers = 10 ** (levels.astype(np.float64, copy=False) / 10)
    # the same as np.mean, in a third of the time
    return float(10 * np.log10(np.add.reduce(powers) / powers.size))
