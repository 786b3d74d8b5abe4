"""Train models to cross-validate and to ship: ``python -m emotiond.models.train full`` or ``lite``.

A run is one fold whose actors are left out, or ``all``. ``lite`` learns from the ``full`` that
was trained in the same run's folder, so it never learns from anybody who has heard its judges.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.dsp.types import FloatArray
from emotiond.models import lite
from emotiond.models.cards import UNFITTED, write_card
from emotiond.models.command import run
from emotiond.models.detector import Arrays, describe, train_detector
from emotiond.models.distil import Distiller, Lesson, export_lite
from emotiond.models.encoder import Tensor, constants, values
from emotiond.models.examples import load_column, load_columns
from emotiond.models.export import export_full
from emotiond.models.expression import measure_expression
from emotiond.models.files import save_arrays, write_whole
from emotiond.models.heads import (
    CHANNELS,
    N_LABELS,
    HeadSize,
    describe_population,
    standardise,
)
from emotiond.models.history import save_history
from emotiond.models.progress import progress
from emotiond.models.sampling import VOICES, VOICES_AND_NOISES, Columns, Sampler
from emotiond.models.training import Network, Schedule, Trainer, masks_of, statistics_of
from emotiond.models.whisper import Weights, load_encoder

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
class Data:
    """All windows; which of them a run may see, it asks ``columns``."""

    columns: Columns
    features: npt.NDArray[np.float32]
    states: npt.NDArray[np.float16]
    real: FloatArray
    loud: FloatArray

    @classmethod
    def load(cls, folder: Path) -> Data:
        """Read what ``emotiond.models.prepare`` made."""
        features = load_column(folder, "features")
        states = load_column(folder, "states")
        return cls(load_columns(folder), features, states, *masks_of(features))

    def spoken(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Those of the rows to measure a population on."""
        return rows[self.columns.label[rows] >= 0][::_POPULATION_STEP]


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="emotiond.models.train", description=__doc__)
    parser.add_argument("model", choices=("full", "lite"))
    parser.add_argument(
        "--cache", type=Path, required=True, help="as emotiond.models.prepare filled it"
    )
    parser.add_argument("--whisper", type=Path, required=True, help="tiny.pt or an .npz")
    parser.add_argument("--runs", type=Path, required=True, help="checkpoints and results")
    parser.add_argument("--only", choices=RUNS, nargs="+", default=RUNS, help="these runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of steps")
    options = parser.parse_args(arguments)
    tf.random.set_seed(options.seed)
    weights = load_encoder(options.whisper)
    settings = Settings(weights, options.seed, options.scale)
    data = Data.load(options.cache / "examples")
    for name in options.only:
        run = Run(data, options.runs / name, settings)
        model = options.runs / name / f"{options.model}.tflite"
        write_whole(model, run.full() if options.model == "full" else run.lite())
        write_card(model, UNFITTED, {"protocol": "not yet evaluated"})


class Run:
    """One model's training, with or without a fold.

    Args:
        data: all windows.
        folder: named as the run, for checkpoints and results; the same folder resumes.
        settings: of the run.
    """

    def __init__(self, data: Data, folder: Path, settings: Settings) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._data = data
        self._folder = folder
        self._settings = settings
        left_out = RUNS.index(folder.name) + 1 if folder.name != "all" else None
        self._rows = data.columns.rows_without(left_out)
        self._watched = data.columns.rows_of(left_out)[:_WATCHED]
        """Windows of the people that are left out; nothing is chosen by them."""

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
        pupil = self._taught(self._rows, self._start(), LITE, self._folder, teacher, self._watched)
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
        path = self._folder.parent / "start.npz"
        rows = np.flatnonzero(~np.char.startswith(self._data.columns.corpus, "ravdess"))
        new = lite.new_network(self._settings.seed)
        if not self._data.spoken(rows).size:
            return new
        if not path.exists():
            folder = self._folder.parent / "start"
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
        data, settings, histories = self._data, self._settings, []
        spectrum = lite.describe_spectrum(data.features[data.spoken(rows)])
        statistics = _spectrum_statistics(data.features, spectrum)
        hints = self._hints(rows)
        for part, lesson in enumerate(lessons):
            seed = settings.seed * len(lessons) + part
            sampler = Sampler(data.columns, rows, statistics, _BATCH, VOICES_AND_NOISES, seed)
            pupil = Distiller(
                learned, spectrum, settings.scaled(lesson), sampler, folder / f"lite{part}"
            )
            watch = self._watch(watched, pupil.judge, data.features)
            pupil.run(data.features, hints, teacher, watch, f"{folder.name}, part {part + 1}")
            learned = values(pupil.parameters)
            histories.append(pupil.history)
        save_history(folder / "lite-history.npz", histories)
        return pupil

    def _watch(
        self,
        rows: npt.NDArray[np.int64],
        judge: Callable[..., FloatArray],
        *inputs: npt.NDArray[Any],
    ) -> Callable[[], float]:
        """Measures accuracy on the windows of these rows; NaN without any."""
        truth = self._data.columns.label[rows]

        def measure() -> float:
            if not rows.size:
                return float("nan")
            parts = np.array_split(rows, rows.size // _PART + 1)
            scores = [judge(*(column[part] for column in inputs)) for part in parts]
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
        trainer = Trainer(network, settings.scaled(HEADS), self._folder / "heads")
        sampler = Sampler(data.columns, self._rows, statistics, _BATCH, VOICES, settings.seed)
        watch = self._watch(self._watched, network.judge, data.states, data.real)
        trainer.run(data.states, data.real, sampler, watch, f"heads {self._folder.name}")
        save_history(self._folder / "heads-history.npz", [trainer.history])
        return network, statistics

    def _teacher_scores(self) -> FloatArray:
        """Label logits of the large model for all windows that may be trained on."""
        network, _ = self._network()
        states, real = self._data.states, self._data.real
        scores = np.zeros((len(states), N_LABELS), np.float32)
        for rows in progress(np.array_split(self._rows, len(self._rows) // _PART + 1), "teacher"):
            scores[rows] = network.judge(states[rows], real[rows])
        return scores


def _spectrum_statistics(features: npt.NDArray[np.float32], spectrum: lite.Spectrum) -> FloatArray:
    parts = []
    for part in np.array_split(features, len(features) // 64 + 1):
        mel, _, loud = lite.relative_mel(tf.constant(part))
        parts.append(lite.statistics(mel, loud, spectrum).numpy())
    return np.concatenate(parts)


def use_one_thread() -> None:
    """On small machines TensorFlow's threads cost more than they give."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


if __name__ == "__main__":
    use_one_thread()
    run(main)
