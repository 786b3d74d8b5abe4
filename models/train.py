"""Train models for cross-validation and for shipping: ``python -m models.train full`` or ``lite``.

A run is one fold whose actors are left out, or ``all``. ``lite`` learns from the ``full`` that
was trained in the same run's folder, so it never learns from anybody who has heard its judges.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from dsp.types import FloatArray
from models import lite
from models.cards import UNFITTED, write_card
from models.detector import Arrays, describe, train_detector
from models.distil import Distiller, Schedule, export_lite
from models.encoder import Tensor, block_parameters, constants, values
from models.examples import load_column, load_columns
from models.export import export_full
from models.frozen import FROZEN_BLOCKS, TRAINED_BLOCKS
from models.heads import (
    CHANNELS,
    SPEAKER_SIZE,
    HeadSize,
    Population,
    describe_population,
    judge,
    population_parameters,
    standardise,
)
from models.progress import progress
from models.sampling import VOICES, VOICES_AND_NOISES, Columns, Sampler
from models.training import Network, Stage, Trainer, masks_of, statistics_of
from models.whisper import Weights, load_encoder

RUNS = ("fold1", "fold2", "fold3", "fold4", "all")

HEAD_STAGE = Stage(steps=1400, head_rate=1e-3, block_rate=0.0)
BLOCK_STAGE = Stage(steps=0, head_rate=2e-4, block_rate=5e-5)
LITE_START_STEPS = 6000
LITE_STEPS = 7000
LITE_RATE = 1.5e-3
_POPULATION_STEP = 5
"""Every so many windows are enough to measure means and deviations."""
_HEAD_BATCH = 32
_BLOCK_BATCH = 16
_LITE_BATCH = 32
_PART = 64
"""Windows to compute at once."""
_FEWEST_STEPS = 2
"""However small the scale: a schedule has to have an end."""


@dataclass(frozen=True)
class Settings:
    """Of a run."""

    weights: Weights
    """Of the Whisper encoder."""
    seed: int
    scale: float
    """Of the number of head and lite steps."""
    unfreeze_steps: int
    """Of training the third block as well; none unless asked for."""


@dataclass(frozen=True)
class Data:
    """All windows; which of them a run may see, it asks ``columns``."""

    folder: Path
    columns: Columns
    features: npt.NDArray[np.float32]
    pairs: npt.NDArray[np.float16]
    real: FloatArray
    loud: FloatArray

    @classmethod
    def load(cls, folder: Path) -> Data:
        """Read what ``models.prepare`` made."""
        features = load_column(folder, "features")
        pairs = load_column(folder, "pairs")
        return cls(folder, load_columns(folder), features, pairs, *masks_of(features))

    def spoken(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Those of the rows to measure a population on."""
        return rows[self.columns.label[rows] >= 0][::_POPULATION_STEP]


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="models.train", description=__doc__)
    parser.add_argument("model", choices=("full", "lite"))
    parser.add_argument("--cache", type=Path, required=True, help="as models.prepare filled it")
    parser.add_argument("--whisper", type=Path, required=True, help="tiny.pt or an .npz")
    parser.add_argument("--runs", type=Path, required=True, help="checkpoints and results")
    parser.add_argument("--only", choices=RUNS, nargs="+", default=RUNS, help="these runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of steps")
    parser.add_argument(
        "--unfreeze", type=int, default=BLOCK_STAGE.steps, help="steps that train the third block"
    )
    options = parser.parse_args(arguments)
    tf.random.set_seed(options.seed)
    weights = load_encoder(options.whisper)
    settings = Settings(weights, options.seed, options.scale, options.unfreeze)
    data = Data.load(options.cache / "examples")
    for name in options.only:
        run = Run(data, options.runs / name, settings)
        model = options.runs / name / f"{options.model}.tflite"
        model.write_bytes(run.full() if options.model == "full" else run.lite())
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

    def full(self) -> bytes:
        """Train heads, and the block if that is asked for, and what hears a voice; export."""
        network = self._network(self._population())
        fixed = population_parameters(network.population)

        def describe_part(rows: npt.NDArray[np.int64]) -> Tensor:
            standard = standardise(self._data.pairs[rows].astype(np.float32), fixed)
            return describe(standard, self._data.real[rows])

        return export_full(network, self._detector(describe_part), self._settings.weights)

    def lite(self) -> bytes:
        """Train the small network on the large one's scores and export."""
        teacher = self._teacher_scores(self._population())
        pupil = self._pupil(self._rows, self._start(), LITE_STEPS, self._folder)
        pupil.run(self._data.features, self._hints(self._rows), teacher, self._folder.name)
        np.save(self._folder / "lite-history.npy", pupil.history.numpy())
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
            pupil = self._pupil(rows, new, LITE_START_STEPS, self._folder.parent / "start")
            pupil.run(self._data.features, self._hints(rows), None, "start")
            arrays: Any = values(pupil.parameters)
            np.savez(path, **arrays)
        with np.load(path) as archive:
            return {name: archive[name] for name in archive.files}

    def _pupil(
        self, rows: npt.NDArray[np.int64], start: Arrays, steps: int, folder: Path
    ) -> Distiller:
        data, settings = self._data, self._settings
        spectrum = lite.describe_spectrum(data.features[data.spoken(rows)])
        statistics = _spectrum_statistics(data.features, spectrum)
        sampler = Sampler(
            data.columns, rows, statistics, _LITE_BATCH, VOICES_AND_NOISES, settings.seed
        )
        schedule = Schedule(max(_FEWEST_STEPS, round(steps * settings.scale)), LITE_RATE)
        return Distiller(start, spectrum, schedule, sampler, folder / "lite")

    def _hints(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float16]:
        """Whisper's third block, standardised over the rows."""
        data = self._data
        spoken = data.spoken(rows)
        population = describe_population(data.pairs[spoken], data.loud[spoken])
        above = slice(CHANNELS // 2, None)
        hints = lite.hint_steps(data.pairs[:, :, above])
        hints -= population.mean[above].astype(np.float16)
        hints /= population.deviation[above].astype(np.float16)
        return hints

    def _population(self) -> Population:
        spoken = self._data.spoken(self._rows)
        return describe_population(self._data.pairs[spoken], self._data.loud[spoken])

    def _network(self, population: Population) -> Network:
        """The trained network; from its checkpoints, where it is trained already."""
        data, settings = self._data, self._settings
        layers = range(FROZEN_BLOCKS, FROZEN_BLOCKS + TRAINED_BLOCKS)
        arrays = [block_parameters(settings.weights, layer) for layer in layers]
        network = Network(arrays, population, HeadSize(), settings.seed)
        statistics = statistics_of(data.pairs, data.loud, population)
        steps = max(_FEWEST_STEPS, round(HEAD_STAGE.steps * settings.scale))
        stage = dataclasses.replace(HEAD_STAGE, steps=steps)
        self._stage(network, stage, _HEAD_BATCH, data.pairs, statistics, "heads")
        if settings.unfreeze_steps:
            stage = dataclasses.replace(BLOCK_STAGE, steps=settings.unfreeze_steps)
            tokens = load_column(data.folder, "tokens")
            self._stage(network, stage, _BLOCK_BATCH, tokens, statistics, "block")
        return network

    def _stage(
        self,
        network: Network,
        stage: Stage,
        batch_size: int,
        hidden: npt.NDArray[np.float16],
        statistics: FloatArray,
        name: str,
    ) -> None:
        data = self._data
        trainer = Trainer(network, stage, self._folder / name)
        sampler = Sampler(
            data.columns, self._rows, statistics, batch_size, VOICES, self._settings.seed
        )
        title = f"{name} {self._folder.name}"
        trainer.run(hidden, data.real, data.loud, sampler, statistics, title)
        np.save(self._folder / f"{name}-history.npy", trainer.history.numpy())

    def _teacher_scores(self, population: Population) -> FloatArray:
        """Label logits of the large model for all windows that may be trained on."""
        network = self._network(population)
        constants = population_parameters(population)
        cold = tf.zeros((1, SPEAKER_SIZE))
        unfrozen = bool(self._settings.unfreeze_steps)
        hidden = load_column(self._data.folder, "tokens") if unfrozen else self._data.pairs

        def score(hidden: Tensor, real: Tensor) -> Tensor:
            pairs = network.pairs(hidden) if unfrozen else hidden
            return judge(standardise(pairs, constants), real, cold, network.heads)

        compiled = tf.function(score, autograph=False)
        scores = np.zeros((len(hidden), 8), np.float32)
        for rows in progress(np.array_split(self._rows, len(self._rows) // _PART + 1), "teacher"):
            scores[rows] = compiled(hidden[rows].astype(np.float32), self._data.real[rows])
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
    main()
