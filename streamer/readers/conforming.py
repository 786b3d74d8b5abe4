"""Brings sound whose rate or channels change to those with which it began."""

from __future__ import annotations

import numpy as np

from emotiond.dsp.mono import MonoMixer
from emotiond.dsp.resample import Resampler
from emotiond.dsp.types import FloatArray


class Conforming:
    """Brings samples of one rate and so many channels to those of the beginning.

    Sound that has them passes unchanged. Channels become one, which is then in each.

    Args:
        sample_rate: of the beginning, in Hz.
        channels: of the beginning.
        rate_now: of the samples that are pushed, in Hz.
        channels_now: of the samples that are pushed.
    """

    def __init__(self, sample_rate: int, channels: int, rate_now: int, channels_now: int) -> None:
        self._channels = channels
        self._mixer = None if channels_now == channels else MonoMixer(rate_now, channels_now)
        self._resamplers = (
            []
            if rate_now == sample_rate
            else [Resampler(rate_now, sample_rate) for _ in range(channels)]
        )

    def push(self, samples: FloatArray) -> FloatArray:
        """Return what is complete of the next samples, shape ``(n, channels)``."""
        if self._mixer is not None:
            samples = np.repeat(self._mixer.push(samples)[:, None], self._channels, axis=1)
        return self._resample(samples, last=False)

    def rest(self) -> FloatArray:
        """Return what comes of the samples so far when no more follow."""
        return self._resample(np.empty((0, self._channels), np.float32), last=True)

    def _resample(self, samples: FloatArray, last: bool) -> FloatArray:
        if not self._resamplers:
            return samples
        channels = [
            resampler.push(channel, last)
            for resampler, channel in zip(self._resamplers, samples.T, strict=True)
        ]
        return np.stack(channels, axis=1)
