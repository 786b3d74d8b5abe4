"""Cuts the ring's audio, at the device's rate and channels, into chunks of mono at 16 kHz."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from emotiond.dsp.mono import MonoMixer
from emotiond.dsp.resample import Resampler
from emotiond.dsp.types import FloatArray
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.audio.ring import Block, Ring

_RESAMPLED_SECONDS = 0.01


@dataclass(frozen=True)
class Chunk:
    """Samples up to the next multiple of the stride, or up to a cut or the end before it."""

    samples: FloatArray
    """Mono, 16 kHz, shape ``(n,)``; valid until the next call of ``next_chunk``."""
    position: int
    """Position of the first sample, counted at 16 kHz from the start of the stream."""
    after_cut: bool
    """Whether samples are missing in front of the chunk, or it is the first."""
    last: bool
    """Whether the stream ends with this chunk, which may then be empty."""


class Chunker:
    """Reads the ring of one stream. It belongs to one worker.

    Args:
        ring: the source writes into it.
        stride_samples: the stride, in samples at 16 kHz.
        live: whether the resampler's delay has to be small and constant.
    """

    def __init__(self, ring: Ring, stride_samples: int, live: bool = False) -> None:
        self.stretch = 1
        """Strides per chunk. Chunks end at multiples of their length."""
        self._ring = ring
        self._stride = stride_samples
        self._mixer = MonoMixer(ring.sample_rate, ring.channels)
        self._resampler = Resampler(ring.sample_rate, SAMPLE_RATE, live)
        self._block = math.ceil(_RESAMPLED_SECONDS * ring.sample_rate)
        self._live = live
        self._waiting = np.empty(0, np.float32)  # resampled, not yet in a chunk
        self._position = 0  # of the first waiting sample, at 16 kHz
        self._after_cut = True
        self._next_run: Block | None = None  # already read; the waiting samples go out before it
        self._flushed = False  # the source has ended and the resampler is empty
        self._finished = False

    @property
    def dropped_samples(self) -> int:
        """Samples lost since the stream began, at 16 kHz."""
        return round(self._ring.lost_samples * SAMPLE_RATE / self._ring.sample_rate)

    @property
    def lag_seconds(self) -> float:
        """Duration of the audio in the ring that is not read yet."""
        return self._ring.available / self._ring.sample_rate

    def drop_oldest(self, kept_seconds: float) -> None:
        """Drop unread audio, except for the newest part of this duration."""
        self._ring.drop_oldest(round(kept_seconds * self._ring.sample_rate))

    def capture_time(self, position: int) -> float | None:
        """Return the monotonic time at which the sample before a 16 kHz position was captured."""
        device_position = math.floor(position * self._ring.sample_rate / SAMPLE_RATE)
        return self._ring.capture_time(device_position)

    def next_chunk(self) -> Chunk | None:
        """Return the next chunk; None if it is incomplete. The ring wakes the worker later."""
        while not self._finished:
            length = self.stretch * self._stride
            needed = length - self._position % length
            if self._waiting.shape[0] >= needed:
                return self._hand_out(needed, last=False)
            if self._next_run is not None:
                if self._waiting.shape[0]:
                    return self._hand_out(self._waiting.shape[0], last=False)
                self._begin_run(self._next_run)
                continue
            if self._flushed:
                self._finished = True
                return self._hand_out(self._waiting.shape[0], last=True)
            ended = self._ring.ended  # read first: everything before the end is then in the ring
            missing = self._missing(needed)
            if self._refill(self._requested(missing)):
                continue
            if ended:
                self._flushed = True
                self._flush_resampler()
            elif self._ring.wake_at(self._ring.position + missing):
                return None
        return None

    def _missing(self, needed: int) -> int:
        """Return the fewest samples, at the device's rate, that can complete the chunk."""
        missing: int = needed - self._waiting.shape[0]
        if self._ring.sample_rate == SAMPLE_RATE:
            return missing
        missing = missing * self._ring.sample_rate // SAMPLE_RATE
        return max(self._block, missing // self._block * self._block)

    def _requested(self, missing: int) -> int:
        """Return how many samples to take at once, which must not change the resampler's bits.

        A live one gives others for other blocks. So they do not depend on the timing there.
        """
        if self._ring.sample_rate == SAMPLE_RATE:
            return missing
        if self._live:
            return self._block
        there = self._ring.available // self._block * self._block
        return max(self._block, min(there, missing))

    def _hand_out(self, count: int, last: bool) -> Chunk:
        chunk = Chunk(self._waiting[:count], self._position, self._after_cut, last)
        self._waiting = self._waiting[count:]
        self._position += count
        self._after_cut = False
        return chunk

    def _refill(self, requested: int) -> bool:
        """Move one block from the ring to the waiting samples. Returns False if there is none."""
        block = self._ring.read(requested)
        if block is None:
            return False
        if block.after_cut and block.position > 0:
            self._next_run = block
            self._flush_resampler()
        else:
            self._take(block)
        return True

    def _begin_run(self, block: Block) -> None:
        """Continue behind a cut."""
        self._next_run = None
        self._mixer.restart()
        self._resampler.restart()
        self._position = round(block.position * SAMPLE_RATE / self._ring.sample_rate)
        self._after_cut = True
        self._take(block)

    def _take(self, block: Block) -> None:
        self._append(self._resampler.push(self._mixer.push(block.samples)))

    def _flush_resampler(self) -> None:
        self._append(self._resampler.push(np.empty(0, np.float32), last=True))

    def _append(self, samples: FloatArray) -> None:
        self._waiting = np.concatenate((self._waiting, samples))
