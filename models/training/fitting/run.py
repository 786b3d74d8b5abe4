"""What the trainings of both models share: windows, settings, checkpoints, the voice detector."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from emotiond.dsp.types import FloatArray
from emotiond.models.training.data.columns import Columns
from emotiond.models.training.data.examples import load_column, load_columns
from emotiond.models.training.fitting.detector import train_detector
from emotiond.models.training.fitting.optimizer import Schedule
from emotiond.models.training.networks.full import masks_of
from emotiond.models.training.networks.layers import Arrays, Tensor
from emotiond.models.training.networks.whisper import Weights

RUNS = ("fold1", "fold2", "fold3", "fold4", "all")
BATCH = 32
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

    weights: Weights
    """Weights of the Whisper encoder."""
    seed: int
    scale: float
    """Factor of the number of steps."""

    def scaled(self, schedule: _Schedule) -> _Schedule:
        """Return the schedule with the scaled number of steps."""
        steps = max(_FEWEST_STEPS, round(schedule.steps * self.scale))
        return dataclasses.replace(schedule, steps=steps)


@dataclass(frozen=True)
class Windows:
    """All windows. ``columns`` selects those that a run may use."""

    columns: Columns
    features: npt.NDArray[np.float32]
    states: npt.NDArray[np.float16]
    real: FloatArray
    loud: FloatArray

    @classmethod
    def load(cls, folder: Path) -> Windows:
        """Read the windows from ``emotiond.models.training.prepare``."""
        features = load_column(folder, "features")
        states = load_column(folder, "states")
        return cls(load_columns(folder), features, states, *masks_of(features))

    def spoken(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the rows for measuring a population."""
        return rows[self.columns.label[rows] >= 0][::_POPULATION_STEP]


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
        """Held-out windows; no choice depends on them."""
        return self.data.columns.rows_of(self._left_out)[:_WATCHED]

    @property
    def _left_out(self) -> int | None:
        return RUNS.index(self.folder.name) + 1 if self.folder.name != "all" else None

    def detector(self, describe_part: Callable[[npt.NDArray[np.int64]], Tensor]) -> Arrays:
        """Train the voice detector on the hidden states of the run's windows.

        Args:
            describe_part: from rows to the description of each, shape ``(rows, values)``.
        """
        rows = self.rows
        described = np.concatenate([describe_part(part) for part in parts_of(rows)])
        is_voice = self.data.columns.label[rows] >= 0
        return train_detector(described, is_voice, self.settings.seed)

    def accuracy_watch(
        self,
        rows: npt.NDArray[np.int64],
        predict: Callable[..., FloatArray],
        *inputs: npt.NDArray[Any],
    ) -> Callable[[], float]:
        """Return a function that measures the accuracy on these rows; NaN without rows."""
        truth = self.data.columns.label[rows]

        def measure() -> float:
            if not rows.size:
                return float("nan")
            scores = [predict(*(column[part] for column in inputs)) for part in parts_of(rows)]
            return float(np.mean(np.concatenate(scores).argmax(axis=1) == truth))

        return measure


def parts_of(rows: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Split rows into parts that fit into one computation."""
    return np.array_split(rows, len(rows) // _PART + 1)
