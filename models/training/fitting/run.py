"""What the trainings of both models share: windows, settings, checkpoints, the voice detector."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from emotiond.dsp.types import FloatArray
from emotiond.models.training.common.model_input import (
    FULL_ENCODER,
    LITE_ENCODER,
    RECIPE,
    WINDOW_FRAMES,
)
from emotiond.models.training.data.columns import Columns
from emotiond.models.training.data.examples import Streams
from emotiond.models.training.fitting.detector import train_detector
from emotiond.models.training.fitting.optimizer import Schedule
from emotiond.models.training.networks.layers import Arrays, Tensor

RUNS = ("fold1", "fold2", "fold3", "fold4", "all")
BATCH = 32
N_STATES = WINDOW_FRAMES["full"] // FULL_ENCODER.frames_per_state
SPEECH_STATES = 49
"""States of ``lite`` in 3.9 s: a window, and what its first state sees of the past."""
_SILENCE = -10.0
_PART = 64
"""Windows in one computation."""
_WATCHED = 512
"""Held-out windows, whose accuracy the report shows over the training."""
_POPULATION_STEP = 5
"""One in this many windows is enough to measure means and deviations."""
_FEWEST_STEPS = 2
"""Minimum at any scale, since a schedule needs an end."""
_Schedule = TypeVar("_Schedule", bound=Schedule)


@dataclass(frozen=True)
class Settings:
    """Settings of a run."""

    encoder: Arrays
    """Parameters of the encoder, from ``emotiond.models.training.distill``."""
    seed: int
    scale: float
    """Factor of the number of steps."""

    def scaled(self, schedule: _Schedule) -> _Schedule:
        """Return the schedule with the scaled number of steps."""
        steps = max(_FEWEST_STEPS, round(schedule.steps * self.scale))
        return dataclasses.replace(schedule, steps=steps)


@dataclass(frozen=True)
class Windows:
    """All windows of all streams, by row."""

    streams: Streams

    @property
    def columns(self) -> Columns:
        """Metadata of the rows; it selects those that a run may use."""
        return self.streams.columns

    def states(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float16]:
        """Return the states of windows, ``(n, N_STATES, CHANNELS)``; zeros follow a part."""
        return _gather(self.streams.states, *self._spans(rows), N_STATES)

    def levels(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the levels of the states, ``(n, N_STATES)``; 0 follows a part."""
        return _gather(self.streams.levels, *self._spans(rows), N_STATES)

    def speeches(
        self, rows: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return the end of the speech of each window for ``lite``: at most 3.9 s, whole states.

        Returns:
            Log-mel powers, ``(n, SPEECH_STATES * frames, 80)``, digital silence after a part; the
            loudest level up to each state, ``(n, SPEECH_STATES)``, 0 after a part; and Whisper's
            third block at the same time, ``(n, SPEECH_STATES, CHANNELS / 2)``.
        """
        frames = LITE_ENCODER.frames_per_state
        ratio = frames // FULL_ENCODER.frames_per_state
        mel = np.full((rows.size, SPEECH_STATES * frames, RECIPE.n_mels), _SILENCE, np.float32)
        loudest = np.zeros((rows.size, SPEECH_STATES), np.float32)
        third_block = self.streams.states[:, self.streams.states.shape[1] // 2 :]
        hints = np.zeros((rows.size, SPEECH_STATES, third_block.shape[1]), np.float32)
        for n, row in enumerate(rows.tolist()):
            first, end = self.streams.first_frame[row], self.streams.end_frame[row]
            count = (end - first) // frames
            skipped = max(0, count - SPEECH_STATES)
            kept = count - skipped
            mel[n, : kept * frames] = self.streams.mel[first + skipped * frames :][: kept * frames]
            highest = self._highest[first : first + count * frames].reshape(count, frames)
            loudest[n, :kept] = np.maximum.accumulate(highest.max(axis=1))[skipped:]
            # The last state of ``full`` may need frames that are still to come.
            at = self.streams.first_state[row] + ratio * np.arange(skipped, count)
            later = np.minimum(at + 1, self.streams.end_state[row] - 1)
            hints[n, :kept] = third_block[np.minimum(at, later)]
            hints[n, :kept] += third_block[later]
        hints /= 2
        return mel, loudest, hints

    @functools.cached_property
    def _highest(self) -> npt.NDArray[np.float32]:
        """Level of every frame: its loudest band in decades above digital silence."""
        highest: npt.NDArray[np.float32] = self.streams.mel.max(axis=1).astype(np.float32)
        return highest - _SILENCE

    def few_spoken(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return a few of the rows, all with a voice, to measure a population."""
        return rows[self.columns.label[rows] >= 0][::_POPULATION_STEP]

    def _spans(
        self, rows: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        ends = self.streams.end_state[rows]
        return np.maximum(self.streams.first_state[rows], ends - N_STATES), ends


def _gather(
    source: npt.NDArray[Any],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    length: int,
) -> npt.NDArray[Any]:
    """Copy spans of rows into one array, each at the beginning of its own."""
    gathered = np.zeros((starts.size, length, *source.shape[1:]), source.dtype)
    for row, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        gathered[row, : end - start] = source[start:end]
    return gathered


@dataclass(frozen=True)
class Run:
    """One training with a fold held out, or on all actors."""

    data: Windows
    """All windows, also those that this run may not use."""
    folder: Path
    """Checkpoints and results, named after the run, one of :data:`RUNS`. It resumes the run."""
    settings: Settings

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """Windows of the training side."""
        return self.data.columns.rows_without(self._left_out)

    @property
    def watched(self) -> npt.NDArray[np.int64]:
        """Held-out windows, one of each stream; no choice depends on them."""
        rows = self.data.columns.rows_of(self._left_out)
        one_each = self.data.columns.one_of_each_stream(rows, np.random.default_rng(0))
        return one_each[:_WATCHED]

    @property
    def _left_out(self) -> int | None:
        return RUNS.index(self.folder.name) + 1 if self.folder.name != "all" else None

    @property
    def measured(self) -> npt.NDArray[np.int64]:
        """One window of each stream of the training side, on which statistics are measured."""
        return self.data.columns.one_of_each_stream(self.rows, np.random.default_rng(0))

    def detector(self, describe_part: Callable[[npt.NDArray[np.int64]], Tensor]) -> Arrays:
        """Train the voice detector on the states of one window of each stream.

        Args:
            describe_part: from rows to the description of each, shape ``(rows, values)``.
        """
        rows = self.measured
        described = np.concatenate([describe_part(part) for part in parts_of(rows)])
        columns = self.data.columns.take(rows)
        return train_detector(described, columns.label >= 0, columns.fold, self.settings.seed)

    def accuracy_watch(
        self,
        rows: npt.NDArray[np.int64],
        predict: Callable[[npt.NDArray[np.int64]], FloatArray],
    ) -> Callable[[], float]:
        """Return a function that measures the accuracy on these rows; NaN without rows."""
        truth = self.data.columns.label[rows]

        def measure() -> float:
            if not rows.size:
                return float("nan")
            scores = [predict(part) for part in parts_of(rows)]
            return float(np.mean(np.concatenate(scores).argmax(axis=1) == truth))

        return measure


def parts_of(rows: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Split rows into parts that fit into one computation."""
    return np.array_split(rows, len(rows) // _PART + 1)
