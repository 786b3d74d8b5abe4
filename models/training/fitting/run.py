"""One training run of either model, with or without a fold."""

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
"""Written when a training ends."""

RUNS = ("fold1", "fold2", "fold3", "fold4", "all")
HEADS = Schedule(steps=1400, rate=1e-3)
LITE_START = (Lesson(steps=6000, rate=1.5e-3, hint_weight=0.5),)
LITE = (
    Lesson(steps=5000, rate=1.5e-3, hint_weight=0.5),
    Lesson(steps=5000, rate=1e-3, hint_weight=0.5),
    Lesson(steps=8000, rate=1.5e-3, hint_weight=5.0),
)
"""One after the other: from a high rate again, each still gains. On actors of the training side
a weight of 3 or 10 was better than 0.5, and the two alike."""
_POPULATION_STEP = 5
"""Every so many windows are enough to measure means and deviations."""
_BATCH = 32
_PART = 64
"""Windows to compute at once."""
_WATCHED = 512
"""Windows of people left out, whose accuracy the report shows over the training."""
_NOBODY = np.empty(0, np.int64)
_FEWEST_STEPS = 2
"""However small the scale: a schedule has to have an end."""
_Schedule = TypeVar("_Schedule", bound=Schedule)


@dataclass(frozen=True)
class Settings:
    """Of a run."""

    weights: Weights
    """Of the Whisper encoder."""
    seed: int
    scale: float
    """Of the number of steps."""

    def scaled(self, schedule: _Schedule) -> _Schedule:
        """With as many steps as are wanted."""
        steps = max(_FEWEST_STEPS, round(schedule.steps * self.scale))
        return dataclasses.replace(schedule, steps=steps)


@dataclass(frozen=True)
class Windows:
    """All windows; which of them a run may see, it asks ``columns``."""

    columns: Columns
    features: npt.NDArray[np.float32]
    states: npt.NDArray[np.float16]
    real: FloatArray
    loud: FloatArray

    @classmethod
    def load(cls, folder: Path) -> Windows:
        """Read what ``emotiond.models.training.prepare`` made."""
        features = load_column(folder, "features")
        states = load_column(folder, "states")
        return cls(load_columns(folder), features, states, *masks_of(features))

    def spoken(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Those of the rows to measure a population on."""
        return rows[self.columns.label[rows] >= 0][::_POPULATION_STEP]


class Run:
    """One model's training, with or without a fold.

    Args:
        data: all windows.
        folder: named as the run, for checkpoints and results; the same folder resumes.
        settings: of the run.
    """

    def __init__(self, data: Windows, folder: Path, settings: Settings) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._data = data
        self.folder = folder
        self._settings = settings
        left_out = RUNS.index(folder.name) + 1 if folder.name != "all" else None
        self._rows = data.columns.rows_without(left_out)
        self._watched = data.columns.rows_of(left_out)[:_WATCHED]
        """Windows of the people that are left out; nothing is chosen by them."""

    def finished(self, model: str) -> bool:
        """Whether this model has been trained to its end."""
        return (self.folder / _CURVES[model]).exists()

    def full(self) -> bytes:
        """Train heads and what hears a voice, and export."""
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
        """Train the small network on the large one's scores and export."""
        teacher = self._teacher_scores()
        pupil = self._taught(self._rows, self._start(), LITE, self.folder, teacher, self._watched)
        fixed = constants(values(pupil.parameters))
        cold = tf.zeros((1, lite.SPEAKER_SIZE))

        def describe_part(rows: npt.NDArray[np.int64]) -> Tensor:
            mel, real, _ = lite.relative_mel(tf.constant(self._data.features[rows]))
            hidden = lite.hidden_states(mel, cold, fixed, pupil.spectrum)
            return lite.described_states(hidden, real)

        return export_lite(pupil.parameters, self._detector(describe_part), pupil.spectrum)

    def _detector(self, describe_part: Callable[[npt.NDArray[np.int64]], Tensor]) -> Arrays:
        """Learn to tell voices from noises by what a network makes of the run's windows."""
        parts = np.array_split(self._rows, len(self._rows) // _PART + 1)
        described = np.concatenate([describe_part(part) for part in parts])
        is_voice = self._data.columns.label[self._rows] >= 0
        return train_detector(described, is_voice, self._settings.seed)

    def _start(self) -> Arrays:
        """What the small network starts from: nEMO's labels and Whisper's hidden states.

        RAVDESS is not in it, so that it can be the same for all runs. Without other corpora it
        is random numbers.
        """
        path = self.folder.parent / "start.npz"
        rows = np.flatnonzero(~np.char.startswith(self._data.columns.corpus, "ravdess"))
        new = lite.new_network(self._settings.seed)
        if not self._data.spoken(rows).size:
            return new
        if not path.exists():
            folder = self.folder.parent / "start"
            pupil = self._taught(rows, new, LITE_START, folder, None, _NOBODY)
            save_arrays(path, values(pupil.parameters))
        with np.load(path) as archive:
            return {name: archive[name] for name in archive.files}

    def _taught(
        self,
        rows: npt.NDArray[np.int64],
        learned: Arrays,
        lessons: Sequence[Lesson],
        folder: Path,
        teacher: FloatArray | None,
        watched: npt.NDArray[np.int64],
    ) -> Distiller:
        """The small network after all lessons, each of which begins where the last one ended."""
        data, settings, curves = self._data, self._settings, []
        spectrum = lite.describe_spectrum(data.features[data.spoken(rows)])
        statistics = _spectrum_statistics(data.features, spectrum)
        hints = self._hints(rows)
        for part, lesson in enumerate(lessons):
            seed = settings.seed * len(lessons) + part
            sampler = Sampler(data.columns, rows, statistics, _BATCH, VOICES_AND_NOISES, seed)
            pupil = Distiller(
                learned, spectrum, settings.scaled(lesson), sampler, folder / f"lite{part}"
            )
            watch = self._watch(watched, pupil.label_logits, data.features)
            pupil.run(data.features, hints, teacher, watch, f"{folder.name}, part {part + 1}")
            learned = values(pupil.parameters)
            curves.append(pupil.curves)
        save_curves(folder / _CURVES["lite"], curves)
        return pupil

    def _watch(
        self,
        rows: npt.NDArray[np.int64],
        predict: Callable[..., FloatArray],
        *inputs: npt.NDArray[Any],
    ) -> Callable[[], float]:
        """Measures accuracy on the windows of these rows; NaN without any."""
        truth = self._data.columns.label[rows]

        def measure() -> float:
            if not rows.size:
                return float("nan")
            parts = np.array_split(rows, rows.size // _PART + 1)
            scores = [predict(*(column[part] for column in inputs)) for part in parts]
            return float(np.mean(np.concatenate(scores).argmax(axis=1) == truth))

        return measure

    def _hints(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float16]:
        """Whisper's third block, standardised over the rows."""
        data = self._data
        spoken = data.spoken(rows)
        population = describe_population(data.states[spoken], data.loud[spoken])
        above = slice(CHANNELS // 2, None)
        hints = lite.hint_steps(data.states[:, :, above])
        hints -= population.mean[above].astype(np.float16)
        hints /= population.deviation[above].astype(np.float16)
        return hints

    def _network(self) -> tuple[Network, FloatArray]:
        """The network and the statistics of all windows; trained, if it is not in checkpoints."""
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
        """Label logits of the large model for all windows that may be trained on."""
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
