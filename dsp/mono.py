"""The rule of mono: the mean of the channels, or the loudest where they cancel each other.

This is the one place of the rule in Python. Its twin for the page is
``clients/web/daemon/mono.js``; a test compares the two.

A voice that two channels hold with opposite signs (a balanced line in a stereo socket, a "wide"
effect) vanishes from their mean. So the powers of the mean and of the channels are compared, over
the last half second or so. The mean of n independent channels has an nth of their mean power. A
tenth of that is the work of cancellation: then the loudest channel stands for all.

The choice for 10 ms depends on the sound before them alone. So mixing takes no time, and the same
sound gives the same samples in blocks of any size.
"""

from __future__ import annotations

import math

import numpy as np

from emotiond.dsp.types import FloatArray

FRAME_SECONDS = 0.01
"""Time from one choice to the next."""
MEMORY_SECONDS = 0.5
"""Older sound weighs less than 1/e of the newest."""
CANCELS_BELOW = 0.1
"""The power of the mean, as a share of that of independent channels, that begins cancellation."""
CANCELS_NO_MORE_ABOVE = 0.4
"""The share that ends it."""
KEPT_ABOVE = 0.25
"""The chosen channel stays the chosen one above this share of the power of the loudest."""


class MonoMixer:
    """Mixes the channels of one stream.

    Args:
        sample_rate: Hz.
        channels: their number.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self.channels = channels
        self._frame = math.ceil(FRAME_SECONDS * sample_rate)
        self._fading = math.exp(-FRAME_SECONDS / MEMORY_SECONDS)
        self.restart()

    def restart(self) -> None:
        """Forget the sound so far."""
        self._power = np.zeros(self.channels)  # of each channel, up to the last whole frame
        self._mean_power = 0.0
        self._frame_power = np.zeros(self.channels)  # of the frame that is not whole yet
        self._frame_mean_power = 0.0
        self._missing = self._frame  # samples up to the next whole frame
        self._chosen: int | None = None  # the channel that stands for all; None for the mean

    def push(self, samples: FloatArray) -> FloatArray:
        """Mix the next samples.

        Args:
            samples: float32, shape ``(n, channels)``.

        Returns:
            float32, shape ``(n,)``.
        """
        if self.channels == 1:
            return samples[:, 0]
        mean: FloatArray = samples.mean(axis=1)
        mono = mean.copy()
        first, count = 0, samples.shape[0]
        while first < count:
            end = min(count, first + self._missing)
            piece, piece_mean = samples[first:end], mean[first:end]
            if self._chosen is not None:
                mono[first:end] = piece[:, self._chosen]
            self._frame_power += np.einsum("ij,ij->j", piece, piece, dtype=np.float64)
            self._frame_mean_power += float(
                np.einsum("i,i->", piece_mean, piece_mean, dtype=np.float64)
            )
            self._missing -= end - first
            if not self._missing:
                self._choose()
            first = end
        return mono

    def _choose(self) -> None:
        """Choose what the next frame is mixed from."""
        self._power = self._fading * self._power + self._frame_power
        self._mean_power = self._fading * self._mean_power + self._frame_mean_power
        self._frame_power = np.zeros(self.channels)
        self._frame_mean_power = 0.0
        self._missing = self._frame
        independent = self._power.sum() / self.channels**2
        share = CANCELS_BELOW if self._chosen is None else CANCELS_NO_MORE_ABOVE
        if self._mean_power >= share * independent:  # in digital silence, too
            self._chosen = None
        elif self._chosen is None or self._power[self._chosen] < KEPT_ABOVE * self._power.max():
            self._chosen = int(self._power.argmax())


def mix_down(samples: FloatArray, sample_rate: int) -> FloatArray:
    """Mix a whole recording of shape ``(n, channels)`` to shape ``(n,)``."""
    return MonoMixer(sample_rate, samples.shape[1]).push(samples)
