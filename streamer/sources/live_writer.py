"""Writes live sound of any rate and any channels into a ring, as mono at 16 kHz."""

from __future__ import annotations

import numpy as np

from emotiond.dsp.mono import MonoMixer
from emotiond.dsp.resample import Resampler
from emotiond.dsp.types import FloatArray
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.audio.ring import Ring


class LiveWriter:
    """Mixes and resamples blocks, and writes them with the time at which they came.

    Args:
        sample_rate: of the blocks, in Hz.
        channels: of the blocks.
        ring: gets mono at 16 kHz.
    """

    def __init__(self, sample_rate: int, channels: int, ring: Ring) -> None:
        self._rate = sample_rate
        self._ring = ring
        self._mixer = MonoMixer(sample_rate, channels)
        self._resampler = Resampler(sample_rate, SAMPLE_RATE, live=True)
        self._held_seconds = 0.0  # of sound that the resampler holds back
        self._came_seconds = 0.0

    def write(self, block: FloatArray, came_seconds: float) -> None:
        """Write a block.

        Args:
            block: shape ``(n, channels)``.
            came_seconds: when its last sample came, by the monotonic clock.
        """
        self._came_seconds = came_seconds
        self._held_seconds += block.shape[0] / self._rate
        self._append(self._resampler.push(self._mixer.push(block)))

    def flush(self) -> None:
        """Write what the resampler holds back, and begin anew."""
        self._append(self._resampler.push(np.empty(0, np.float32), last=True))
        self._resampler.restart()
        self._mixer.restart()
        self._held_seconds = 0.0

    def _append(self, samples: FloatArray) -> None:
        self._held_seconds -= samples.shape[0] / SAMPLE_RATE
        if samples.shape[0]:
            self._ring.write(samples[:, None], self._came_seconds - self._held_seconds)
