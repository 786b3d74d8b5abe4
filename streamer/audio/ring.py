"""The ring buffer between a source, which must never wait, and the pipeline, which may."""

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
_MARKS = 4096  # block arrivals remembered: 40 s of 10 ms blocks


@dataclass(frozen=True)
class Block:
    """Consecutive samples out of the ring."""

    samples: FloatArray
    """Shape ``(n, channels)``, a copy."""
    position: int
    """Of the first sample, counted from the beginning of the stream, lost ones included."""
    after_cut: bool
    """Whether the samples do not follow on those read before."""


class _Gap(NamedTuple):
    """Positions that hold no samples, from ``start`` up to ``end``; none of them at a cut."""

    start: int
    end: int
    lost: bool = True


class Ring:
    """A preallocated buffer for one writer thread and one reader thread.

    Positions count samples per channel from the beginning of the stream, lost samples
    included. A writer that does not wait overwrites the oldest samples; what the reader
    loses by that is counted in :attr:`lost_samples`. No lock is held while samples are
    copied: the reader checks afterwards whether the writer overtook it.

    Args:
        capacity: samples per channel.
        channels: of the source.
        sample_rate: Hz of the source.
    """

    def __init__(self, capacity: int, channels: int, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.lost_samples = 0
        """Overwritten before they were read, given up by the reader, or skipped by the source."""
        self._samples = np.zeros((capacity, channels), np.float32)
        self._capacity = capacity
        self._written = 0  # position just behind the newest sample
        self._reserved = 0  # the same once the block that is being copied in is there
        self._read = 0  # position of the next sample to be read
        self._gaps: deque[_Gap] = deque()
        self._mark_ends = np.zeros(_MARKS, np.int64)
        self._mark_times = np.zeros(_MARKS, np.float64)
        self._marks = 0
        self._wake_position: float = _NEVER
        self._wake: Callable[[], None] = lambda: None
        self._room = threading.Event()
        self.ended = False
        """Whether the source has said that nothing follows."""
        self.copy: Ring | None = None
        """Another one, of the same shape, that gets whatever is written here; its reader may
        take it away at any time."""

    def sibling(self) -> Ring:
        """An empty one of the same shape."""
        return Ring(self._capacity, self._samples.shape[1], self.sample_rate)

    # The writer's side.

    def write(self, samples: FloatArray, monotonic_seconds: float) -> None:
        """Copy a block in, overwriting the oldest samples where there is no room.

        Args:
            samples: shape ``(n, channels)``.
            monotonic_seconds: when its last sample reached the process.
        """
        start, count = self._written % self._capacity, samples.shape[0]
        if count > self._capacity:
            raise ValueError(f"a block of {count} samples is larger than the ring")
        first = min(count, self._capacity - start)
        self._reserved = self._written + count  # said first: its place is not to be read any more
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
        """Say that what is written next does not follow on what was written before."""
        self.skip(0)

    def skip(self, samples: int, lost: bool = True) -> None:
        """Say that so many samples of the stream were never captured; muted ones are not lost."""
        self._gaps.append(_Gap(self._written, self._written + samples, lost))
        self._advance(self._written + samples)
        if (copy := self.copy) is not None:
            copy.skip(samples, lost)

    def end(self) -> None:
        """Say that nothing follows."""
        self.ended = True
        self._wake_if_due()
        if (copy := self.copy) is not None:
            copy.end()

    @property
    def awaited_samples(self) -> float:
        """Still missing until the reader is woken; none, or infinitely many, where it is busy."""
        return self._wake_position - self._written

    @property
    def room(self) -> int:
        """Samples that can be written without loss."""
        return self._capacity - (self._written - self._read)

    def wait_for_room(self, samples: int, stop: threading.Event) -> bool:
        """Wait until so many samples can be written without loss; False once ``stop`` is set."""
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
        """Set what is called, in the writer's thread, when the reader has enough to go on."""
        self._wake = wake

    def wake_at(self, position: int) -> bool:
        """Ask to be woken once the stream has come this far, or is cut, or ends.

        Returns:
            False if that has happened already: then there will be no waking.
        """
        self._wake_position = position
        if self._written < position and not self.ended and not self._gaps:
            return True
        self._wake_position = _NEVER
        return False

    @property
    def available(self) -> int:
        """Samples written and not yet read."""
        return self._written - self._read

    @property
    def position(self) -> int:
        """Of the next sample to be read."""
        return self._read

    def read(self, wanted: int) -> Block | None:
        """Take so many samples, or those before a cut or the end where it comes first.

        Returns:
            None if they are not there yet, or if all has been read; no samples for a cut
            behind which they are not there yet.
        """
        while True:
            ended = self.ended  # asked first: what came before the end is then all there
            after_cut = self._step_over_losses()
            count = min(wanted, self._written - self._read)
            complete = ended or count == wanted
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
            # The writer overtook the copy: what was read is torn, and lost.
            if after_cut:
                self._gaps.appendleft(_Gap(position, position))

    def drop_oldest(self, kept: int) -> None:
        """Give up what waits to be read, but for so many of the newest samples."""
        dropped = self._written - kept - self._read
        if dropped > 0:
            self._gaps.appendleft(_Gap(self._read, self._read + dropped))

    def capture_time(self, position: int) -> float | None:
        """Monotonic time at which the sample before ``position`` was captured.

        That is the arrival of its block, less the samples after it in that block. None if
        the arrival is not remembered any more.
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
        """Move the read position over what is lost; whether that, or a cut, was met."""
        after_cut = False
        overwritten = self._reserved - self._capacity - self._read
        if overwritten > 0:
            self.lost_samples += overwritten
            self._read += overwritten
            after_cut = True
        while self._gaps and self._gaps[0].start <= self._read:
            gap = self._gaps.popleft()
            if gap.end > self._read:
                self.lost_samples += gap.lost * (gap.end - self._read)
                self._read = gap.end
            after_cut = True
        return after_cut

    def _copy(self, position: int, count: int) -> FloatArray:
        start = position % self._capacity
        samples = np.empty((count, self._samples.shape[1]), np.float32)
        first = min(count, self._capacity - start)
        samples[:first] = self._samples[start : start + first]
        samples[first:] = self._samples[: count - first]
        return samples
