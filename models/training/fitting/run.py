"""Trains either model, with one fold held out or on all actors."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.dsp.types import FloatArray
from emotiond.models.training.common.files import save_arrays
from emotiond.models.training.common.progress import progress
from emotiond.models.training.data.columns import Columns
from emotiond.models.training.data.examples import load_column, load_columns
from emotiond.models.training.data.sampling import VOICES, VOICES_AND_NOISES, Sampler
from emotiond.models.training.fitting.curves import save_curves
from emotiond.models.training.fitting.detector import train_detector
from emotiond.models.training.fitting.distillation import Distiller, Lesson
from emotiond.models.training.fitting.expression import measure_expression
from emotiond.models.training.fitting.heads import Trainer
from emotiond.models.training.fitting.optimizer import Schedule
from emotiond.models.training.networks import lite
from emotiond.models.training.networks.detector import describe
from emotiond.models.training.networks.full import Network, masks_of, statistics_of
from emotiond.models.training.networks.heads import (
    CHANNELS,
    N_LABELS,
    HeadSize,
    describe_population,
    standardise,
)
from emotiond.models.training.networks.layers import Arrays, Tensor, constants, values
from emotiond.models.training.networks.tflite import export_full, export_lite
from emotiond.models.training.networks.whisper import Weights

_CURVES = {"full": "heads-curves.npz", "lite": "lite-curves.npz"}
"""Files written at the end of a training."""

RUNS = ("fold1", "fold2", "fold3", "fold4", "all")
HEADS = Schedule(steps=1400, rate=1e-3)
LITE_START = (Lesson(steps=6000, rate=1.5e-3, hint_weight=0.5),)
LITE = (
    Lesson(steps=5000, rate=1.5e-3, hint_weight=0.5),
    Lesson(steps=5000, rate=1e-3, hint_weight=0.5),
    Lesson(steps=8000, rate=1.5e-3, hint_weight=5.0),
)
"""Consecutive parts. Each restarts from a high rate and still improves the network. On actors of
the training side, weights of 3 and 10 were equally good, and better than 0.5."""
_POPULATION_STEP = 5
"""One in this many windows is enough to measure means and deviations."""
_BATCH = 32
_PART = 64
"""Windows in one computation."""
_WATCHED = 512
"""Held-out windows, whose accuracy the report shows over the training."""
_NO_ROWS = np.empty(0, np.int64)
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


class Run:
    """The training of both models, with one fold held out or on all actors.

    Args:
        data: all windows.
        folder: folder of checkpoints and results, named after the run; it resumes the run.
        settings: settings of the run.
    """

    def __init__(self, data: Windows, folder: Path, settings: Settings) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._data = data
        self.folder = folder
        self._settings = settings
        left_out = RUNS.index(folder.name) + 1 if folder.name != "all" else None
        self._rows = data.columns.rows_without(left_out)
        self._watched = data.columns.rows_of(left_out)[:_WATCHED]
        """Held-out windows; no choice depends on them."""

    def finished(self, model: str) -> bool:
        """Whether the training of this model is finished."""
        return (self.folder / _CURVES[model]).exists()

    def full(self) -> bytes:
        """Train the heads and the voice detector, and export ``full``."""
        data = self._data
        network, statistics = self._network()
        expression = measure_expression(statistics, data.columns, self._rows)

        def describe_part(rows: npt.NDArray[np.int64]) -> Tensor:
            states = data.states[rows].astype(np.float32)
            standard = standardise(states, network.moments)
            return describe(standard, data.real[rows])

        detector = self._detector(describe_part)
        return export_full(network, expression, detector, self._settings.weights)

    def lite(self) -> bytes:
        """Train the small network on the scores of the large one, and export ``lite``."""
        teacher = self._teacher_scores()
        student = self._distilled(
            self._rows, self._start(), LITE, self.folder, teacher, self._watched
        )
        fixed = constants(values(student.parameters))
        cold = tf.zeros((1, lite.SPEAKER_SIZE))

        def describe_part(rows: npt.NDArray[np.int64]) -> Tensor:
            mel, real, _ = lite.relative_mel(tf.constant(self._data.features[rows]))
            hidden = lite.hidden_states(mel, cold, fixed, student.spectrum)
            return lite.described_states(hidden, real)

        return export_lite(student.parameters, self._detector(describe_part), student.spectrum)

    def _detector(self, describe_part: Callable[[npt.NDArray[np.int64]], Tensor]) -> Arrays:
        """Train the voice detector on the hidden states of the run's windows."""
        parts = np.array_split(self._rows, len(self._rows) // _PART + 1)
        described = np.concatenate([describe_part(part) for part in parts])
        is_voice = self._data.columns.label[self._rows] >= 0
        return train_detector(described, is_voice, self._settings.seed)

    def _start(self) -> Arrays:
        """Return initial values of the small network, trained on nEMO and Whisper's hidden states.

        They are the same for all runs, since RAVDESS is left out. Without other corpora they are
        random.
        """
        path = self.folder.parent / "start.npz"
        rows = np.flatnonzero(~np.char.startswith(self._data.columns.corpus, "ravdess"))
        new = lite.new_network(self._settings.seed)
        if not self._data.spoken(rows).size:
            return new
        if not path.exists():
            folder = self.folder.parent / "start"
            student = self._distilled(rows, new, LITE_START, folder, None, _NO_ROWS)
            save_arrays(path, values(student.parameters))
        with np.load(path) as archive:
            return {name: archive[name] for name in archive.files}

    def _distilled(
        self,
        rows: npt.NDArray[np.int64],
        learned: Arrays,
        lessons: Sequence[Lesson],
        folder: Path,
        teacher: FloatArray | None,
        watched: npt.NDArray[np.int64],
    ) -> Distiller:
        """Train the small network in consecutive lessons."""
        data, settings, curves = self._data, self._settings, []
        spectrum = lite.describe_spectrum(data.features[data.spoken(rows)])
        statistics = _spectrum_statistics(data.features, spectrum)
        hints = self._hints(rows)
        for part, lesson in enumerate(lessons):
            seed = settings.seed * len(lessons) + part
            sampler = Sampler(data.columns, rows, statistics, _BATCH, VOICES_AND_NOISES, seed)
            student = Distiller(
                learned, spectrum, settings.scaled(lesson), sampler, folder / f"lite{part}"
            )
            watch = self._watch(watched, student.label_logits, data.features)
            student.run(data.features, hints, teacher, watch, f"{folder.name}, part {part + 1}")
            learned = values(student.parameters)
            curves.append(student.curves)
        save_curves(folder / _CURVES["lite"], curves)
        return student

    def _watch(
        self,
        rows: npt.NDArray[np.int64],
        predict: Callable[..., FloatArray],
        *inputs: npt.NDArray[Any],
    ) -> Callable[[], float]:
        """Return a function that measures the accuracy on these rows; NaN without rows."""
        truth = self._data.columns.label[rows]

        def measure() -> float:
            if not rows.size:
                return float("nan")
            parts = np.array_split(rows, rows.size // _PART + 1)
            scores = [predict(*(column[part] for column in inputs)) for part in parts]
            return float(np.mean(np.concatenate(scores).argmax(axis=1) == truth))

        return measure

    def _hints(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float16]:
        """Return Whisper's third block, standardised over the rows."""
        data = self._data
        spoken = data.spoken(rows)
        population = describe_population(data.states[spoken], data.loud[spoken])
        above = slice(CHANNELS // 2, None)
        hints = lite.hint_steps(data.states[:, :, above])
        hints -= population.mean[above].astype(np.float16)
        hints /= population.deviation[above].astype(np.float16)
        return hints

    def _network(self) -> tuple[Network, FloatArray]:
        """Return the trained network, from checkpoints if possible, and all windows' statistics."""
        data, settings = self._data, self._settings
        spoken = data.spoken(self._rows)
        population = describe_population(data.states[spoken], data.loud[spoken])
        statistics = statistics_of(data.states, data.loud, population)
        network = Network.new(population, HeadSize(), settings.seed)
        trainer = Trainer(network, settings.scaled(HEADS), self.folder / "heads")
        sampler = Sampler(data.columns, self._rows, statistics, _BATCH, VOICES, settings.seed)
        watch = self._watch(self._watched, network.label_logits, data.states, data.real)
        trainer.run(data.states, data.real, sampler, watch, f"heads {self.folder.name}")
        save_curves(self.folder / _CURVES["full"], [trainer.curves])
        return network, statistics

    def _teacher_scores(self) -> FloatArray:
        """Return the label logits of the large model for all training windows."""
        network, _ = self._network()
        states, real = self._data.states, self._data.real
        scores = np.zeros((len(states), N_LABELS), np.float32)
        for rows in progress(np.array_split(self._rows, len(self._rows) // _PART + 1), "teacher"):
            scores[rows] = network.label_logits(states[rows], real[rows])
        return scores


def _spectrum_statistics(features: npt.NDArray[np.float32], spectrum: lite.Spectrum) -> FloatArray:
    parts = []
    for part in np.array_split(features, len(features) // 64 + 1):
        mel, _, loud = lite.relative_mel(tf.constant(part))
        parts.append(lite.statistics(mel, loud, spectrum).numpy())
    return np.concatenate(parts)
