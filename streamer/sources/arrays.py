"""Samples that a program has: arrays, and blocks one after the other."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from emotiond.dsp.mono import MonoMixer
from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError
from emotiond.streamer.audio.samples import fault_of, peak_of
from emotiond.streamer.readers.sound_file import HIGHEST_RATE, LOWEST_RATE, MOST_CHANNELS

Samples = npt.NDArray[Any]
"""Shape ``(n,)`` or ``(n, channels)``; floats from -1 to 1, or int16."""

_PIECE_SECONDS = 0.5
_FULL_SCALE = 32768  # of int16


class SampleReading:
    """Reads blocks of samples, mixed to mono.

    The blocks may have any lengths, and are taken one at a time, when they are needed.

    Args:
        blocks: arrays of :data:`Samples`. It is closed at the end, if it has a method ``close``.
        sample_rate: Hz, from 2000 to 384000.

    Raises:
        SourceError: the rate is out of range. Reading raises it for a block that holds no samples.
    """

    def __init__(self, blocks: Iterable[object], sample_rate: object) -> None:
        self.sample_rate = check_rate(sample_rate)
        self.channels = 1
        self._blocks = iter(blocks)
        self._piece = max(1, round(_PIECE_SECONDS * self.sample_rate))
        self._rest: Samples = np.empty((0, 1), np.float32)
        self._mixer = MonoMixer(self.sample_rate, 1)
        self._taking = threading.Lock()
        self._closed = False

    def read(self) -> FloatArray:
        """Return the next samples, shape ``(n, 1)``; ``n`` is 0 at the end.

        Raises:
            SourceError: a block holds no samples.
        """
        while not self._rest.shape[0]:
            with self._taking:
                block = next(self._blocks, self)
            if self._closed:
                self.close()
            if self._closed or block is self:
                return np.empty((0, 1), np.float32)
            self._rest = check_samples(block)
        piece, self._rest = self._rest[: self._piece], self._rest[self._piece :]
        if piece.shape[1] != self._mixer.channels:
            self._mixer = MonoMixer(self.sample_rate, piece.shape[1])
        return self._mixer.push(to_floats(piece))[:, None]

    def close(self) -> None:
        """Close the blocks. While another thread takes one, it does so afterwards."""
        self._closed = True
        close = getattr(self._blocks, "close", None)
        if close is not None and self._taking.acquire(blocking=False):
            try:
                close()
            finally:
                self._taking.release()


def read_array(samples: object, sample_rate: object) -> SampleReading:
    """Check a whole array and return its reading.

    Raises:
        SourceError: it holds no samples, or the rate is out of range.
    """
    array = check_samples(samples)
    if not array.shape[0]:
        raise SourceError("the array holds no sound (0 samples)", "Give one sample at least")
    reading = SampleReading(iter((array,)), sample_rate)
    _check_values(array)
    return reading


def check_rate(rate: object) -> int:
    """Return a sample rate as an integer, in Hz.

    Raises:
        SourceError: it is no whole number from 2000 to 384000.
    """
    if isinstance(rate, int | float | np.integer | np.floating) and (
        LOWEST_RATE <= rate <= HIGHEST_RATE and rate == int(rate)
    ):
        return int(rate)
    raise SourceError(
        f"the sample rate cannot be {rate!r}",
        f"Give (samples, sample_rate), with a whole number of {LOWEST_RATE} to {HIGHEST_RATE} Hz",
    )


def check_samples(block: object) -> Samples:
    """Return samples with shape ``(n, channels)``, not copied. Their values are not looked at.

    Raises:
        SourceError: the type or the shape is wrong.
    """
    if not hasattr(block, "__array__"):
        raise SourceError(
            f"samples cannot be of the type {type(block).__name__}", "Give a numpy array"
        )
    try:
        samples = np.asarray(block)
    except Exception as error:  # whatever a foreign library's array refuses
        raise SourceError(f"samples cannot be read ({error})", "Give a numpy array") from None
    if samples.dtype.kind != "f" and not (samples.dtype.kind == "i" and samples.itemsize == 2):
        raise SourceError(
            f"samples cannot be {samples.dtype}", "Give floats from -1 to 1, or int16"
        )
    if samples.ndim == 1:
        samples = samples[:, None]
    if samples.ndim != 2 or not 1 <= samples.shape[1] <= MOST_CHANNELS:
        raise SourceError(
            f"samples cannot have the shape {np.shape(samples)}",
            f"Give (n,) or (n, channels), with up to {MOST_CHANNELS} channels",
        )
    return samples


def to_floats(samples: Samples) -> FloatArray:
    """Return samples of shape ``(n, channels)`` as float32, as from a file.

    Raises:
        SourceError: a sample is not a finite number, or scaled as an integer.
    """
    _check_values(samples)
    if samples.dtype.kind == "i":
        samples = samples.astype(np.float32) / _FULL_SCALE
    return np.ascontiguousarray(samples, np.float32)


def _check_values(samples: Samples) -> None:
    fault = fault_of(peak_of(samples)) if samples.dtype.kind == "f" else None
    if fault is not None:
        raise SourceError(fault.problem, f"Give floats from -1 to 1. {fault.remedy}")
