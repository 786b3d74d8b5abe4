"""Synthetic sounds that open the gate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RATE = 16000


def babble(seconds: float, seed: int = 0) -> npt.NDArray[np.float32]:
    """Harmonics with the pitch, rhythm and hiss of speech, after half a second of silence."""
    random = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    pitch = 140 + 30 * np.sin(2 * np.pi * 0.7 * time) + 10 * np.sin(2 * np.pi * 3 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 20))
    syllables = np.clip(np.sin(2 * np.pi * 4 * time), 0, None) ** 0.5
    sound = 0.05 * syllables * tone + 0.0005 * random.standard_normal(time.size)
    sound[time < 0.5] = 0
    return sound.astype(np.float32)
