"""The ring buffer between a source, which must not wait, and the pipeline, which may."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from emotiond.dsp.types import FloatArray

_NEVER = math.inf
_MARKS = 2048  # how many block arrivals are kept: 20 s of 10 ms blocks


@dataclass(frozen=True)
class Block:
    """Consecutive samples read from the ring."""

    samples: FloatArray
    """Shape ``(n, channels)``, a copy."""
    position: int
    """Position of the first sample, counted from the start of the stream, lost samples included."""
    after_cut: bool
    """Whether samples are missing between this block and the one before."""


class _Gap(NamedTuple):
    """Positions without samples, from ``start`` up to ``end``. A cut is an empty gap."""

    start: int
    end: int
    lost: bool = True


class Ring:
    """A preallocated buffer for one writer thread and one reader thread.

    Positions count samples per channel from the start of the stream, lost samples included.
    A writer that does not wait overwrites the oldest samples. :attr:`lost_samples` counts what
    the reader loses. No lock is held while samples are copied: the reader checks afterwards
    whether the writer has overtaken it.

    Args:
        capacity: samples per channel.
        channels: of the source.
        sample_rate: Hz of the source.
    """

    def __init__(self, capacity: int, channels: int, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.channels = channels
        self.lost_samples = 0
        """Samples overwritten before they were read, dropped by the reader, or never captured."""
        self._samples = np.zeros((capacity, channels), np.float32)
        self._capacity = capacity
        self._written = 0  # position just behind the newest sample
        self._reserved = 0  # the same, including the block that is being copied in
        self._read = 0  # position of the next sample to be read
        self._gaps: deque[_Gap] = deque()
        self._mark_ends = np.zeros(_MARKS, np.int64)
        self._mark_times = np.zeros(_MARKS, np.float64)
        self._marks = 0
        self._wake_position: float = _NEVER
        self._next_wake_position = 0  # an estimate: the reader will await as much again
        self._wake: Callable[[], None] = lambda: None
        self._room = threading.Event()
        self.ended = False
        """Whether the source has ended."""
        self.copy: Ring | None = None
        """A ring of the same shape that receives everything written here. Its reader may remove
        it at any time."""

    def sibling(self) -> Ring:
        """Return an empty ring of the same shape."""
        return Ring(self._capacity, self.channels, self.sample_rate)

    # The writer's side.

    def write(self, samples: FloatArray, monotonic_seconds: float) -> None:
        """Copy a block in. It overwrites the oldest samples if the ring is full.

        Args:
            samples: shape ``(n, channels)``.
            monotonic_seconds: when the last sample reached the process.
        """
        start, count = self._written % self._capacity, samples.shape[0]
        if count > self._capacity:
            raise ValueError(f"a block of {count} samples is larger than the ring")
        first = min(count, self._capacity - start)
        self._reserved = self._written + count  # set first: the reader must not trust this place
        self._samples[start : start + first] = samples[:first]
        self._samples[: count - first] = samples[first:]
        slot = self._marks % _MARKS
        self._mark_ends[slot] = self._written + count
        self._mark_times[slot] = monotonic_seconds
        self._marks += 1
        self._advance(self._written + count)
        if (copy := self.copy) is not None:
            copy.write(samples, monotonic_seconds)

    def cut(self) -> None:
        """Mark a discontinuity: the next samples do not follow on the last ones."""
        self.skip(0)

    def skip(self, samples: int, lost: bool = True) -> None:
        """Skip samples that were never captured. Muted samples do not count as lost."""
        self._gaps.append(_Gap(self._written, self._written + samples, lost))
        self._advance(self._written + samples)
        self._next_wake_position = self._written  # what the reader awaits after a cut is unknown
        if (copy := self.copy) is not None:
            copy.skip(samples, lost)

    def end(self) -> None:
        """Mark the end of the stream."""
        self.ended = True
        self._wake_if_due()
        if (copy := self.copy) is not None:
            copy.end()

    @property
    def awaited_samples(self) -> float:
        """Samples missing until the reader wakes; zero or less if it is late.

        While it is busy, it is expected to await as much as before.
        """
        awaited = self._wake_position
        return (self._next_wake_position if awaited is _NEVER else awaited) - self._written

    @property
    def room(self) -> int:
        """How many samples can be written without loss."""
        return self._capacity - (self._written - self._read)

    def wait_for_room(self, samples: int, stop: threading.Event) -> bool:
        """Wait for room for these samples. Returns False once ``stop`` is set."""
        while self.room < samples:
            self._room.clear()
            if self.room >= samples:
                break
            if stop.is_set():
                return False
            self._room.wait(0.1)
        copy = self.copy
        return (copy is None or copy.wait_for_room(samples, stop)) and not stop.is_set()

    def _advance(self, written: int) -> None:
        self._reserved = self._written = written
        self._wake_if_due()

    def _wake_if_due(self) -> None:
        awaited = self._wake_position
        if awaited is not _NEVER and (self.ended or self._gaps or self._written >= awaited):
            self._wake_position = _NEVER
            self._wake()

    # The reader's side.

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Set the callback that wakes the reader. It runs in the writer's thread."""
        self._wake = wake

    def wake_at(self, position: int) -> bool:
        """Request a wake-up when the stream reaches this position, is cut, or ends.

        Returns:
            False if that has already happened; the callback is then not called.
        """
        self._next_wake_position = 2 * position - self._read
        self._wake_position = position
        if self._written < position and not self.ended and not self._gaps:
            return True
        self._wake_position = _NEVER
        return False

    @property
    def available(self) -> int:
        """Samples that are written but not yet read."""
        return self._written - self._read

    @property
    def position(self) -> int:
        """Position of the next sample to be read."""
        return self._read

    def read(self, requested: int) -> Block | None:
        """Read the requested number of samples, or fewer before a cut or the end.

        Returns:
            None if the samples are not there yet, or if everything has been read. An empty block
            if there is a cut and the samples behind it are not there yet.
        """
        while True:
            ended = self.ended  # read first: everything before the end is then in the ring
            after_cut = self._step_over_losses()
            count = min(requested, self._written - self._read)
            complete = ended or count == requested
            if self._gaps and self._gaps[0].start - self._read <= count:
                count, complete = self._gaps[0].start - self._read, True
            if not complete or count == 0:
                return Block(self._copy(self._read, 0), self._read, True) if after_cut else None
            position = self._read
            samples = self._copy(position, count)
            if self._reserved - position <= self._capacity:
                self._read = position + count
                self._room.set()
                return Block(samples, position, after_cut)
            # The writer has overtaken the copy: these samples are torn and count as lost.
            if after_cut:
                self._gaps.appendleft(_Gap(position, position))

    def drop_oldest(self, kept: int) -> None:
        """Drop unread samples, except for so many of the newest."""
        dropped = self._written - kept - self._read
        if dropped > 0:
            self._gaps.appendleft(_Gap(self._read, self._read + dropped))

    def capture_time(self, position: int) -> float | None:
        """Return the monotonic time at which the sample before ``position`` was captured.

        This is the arrival of its block minus the duration of the samples after it in the block.
        None if the arrival is no longer kept.
        """
        marks = min(self._marks, _MARKS)
        for age in range(1, marks + 1):
            slot = (self._marks - age) % _MARKS
            if age == marks or self._mark_ends[(slot - 1) % _MARKS] < position:
                end, time = int(self._mark_ends[slot]), float(self._mark_times[slot])
                if end < position or age == _MARKS:
                    return None
                return time - (end - position) / self.sample_rate
        return None

    def _step_over_losses(self) -> bool:
        """Move the read position past lost samples. Returns whether there was a loss or a cut."""
        after_cut = False
        oldest = self._reserved - self._capacity
        if oldest > self._read:
            self._lose(oldest)
            after_cut = True
        while self._gaps and self._gaps[0].start <= self._read:
            gap = self._gaps[0]
            if gap.end > self._read:
                self._lose(gap.end)
            self._gaps.popleft()
            after_cut = True
        return after_cut

    def _lose(self, end: int) -> None:
        """Move the read position to ``end``. What was muted in between does not count as lost."""
        muted = sum(
            max(0, min(gap.end, end) - max(gap.start, self._read))
            for gap in tuple(self._gaps)
            if not gap.lost
        )
        self.lost_samples += end - self._read - muted
        self._read = end

    def _copy(self, position: int, count: int) -> FloatArray:
        start = position % self._capacity
        samples = np.empty((count, self.channels), np.float32)
        first = min(count, self._capacity - start)
        samples[:first] = self._samples[start : start + first]
        samples[first:] = self._samples[: count - first]
        return samples
