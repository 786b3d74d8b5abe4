"""Train one model: ``python -m models.train full`` or ``lite``, on all actors or without a fold.

``lite`` learns from the ``full`` that was trained in the same folder.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from dsp.types import FloatArray
from models import lite
from models.cards import UNFITTED, write_card
from models.distil import Distiller, export_lite
from models.encoder import block_parameters
from models.examples import load_column, load_columns
from models.export import export_full
from models.frozen import FROZEN_BLOCKS
from models.heads import (
    CHANNELS,
    HeadSize,
    describe_population,
    judge,
    population_parameters,
    standardise,
)
from models.progress import progress
from models.sampling import Sampler
from models.training import Network, Stage, Trainer, masks_of, statistics_of
from models.whisper import Weights, load_encoder

HEAD_STAGE = Stage(steps=2200, head_rate=1e-3, block_rate=0.0)
BLOCK_STAGE = Stage(steps=800, head_rate=2e-4, block_rate=4e-5)
LITE_STEPS = 2500
LITE_RATE = 1.5e-3
_POPULATION_STEP = 5
"""Every so many windows are enough to measure means and deviations."""
_HEAD_BATCH = 32
_BLOCK_BATCH = 16
_LITE_BATCH = 32


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="models.train", description=__doc__)
    parser.add_argument("model", choices=("full", "lite"))
    parser.add_argument("--cache", type=Path, required=True, help="as models.prepare filled it")
    parser.add_argument("--whisper", type=Path, required=True, help="tiny.pt or an .npz")
    parser.add_argument("--run", type=Path, required=True, help="folder of checkpoints and result")
    parser.add_argument("--fold", type=int, choices=(1, 2, 3, 4), help="leave these actors out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of steps")
    options = parser.parse_args(arguments)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.random.set_seed(options.seed)
    weights = load_encoder(options.whisper)
    run = Run(options.cache / "examples", options.run, options.fold, options.seed, options.scale)
    content = run.full(weights) if options.model == "full" else run.lite(weights)
    model = options.run / f"{options.model}.tflite"
    model.write_bytes(content)
    write_card(model, UNFITTED, {"protocol": "not yet evaluated"})


class Run:
    """One model's training, with or without a fold.

    Args:
        examples: folder of windows.
        folder: of checkpoints; the same folder resumes.
        fold: whose actors are left out; None for none.
        seed: of everything random.
        scale: of the number of steps.
    """

    def __init__(
        self, examples: Path, folder: Path, fold: int | None, seed: int, scale: float
    ) -> None:
        self._examples = examples
        self._folder = folder
        self._seed = seed
        self._scale = scale
        self._columns = load_columns(examples)
        self._rows = self._columns.rows_without(fold)
        self._features = load_column(examples, "features")
        self._real, self._loud = masks_of(self._features)

    def full(self, weights: Weights) -> bytes:
        """Train heads, then the block, and export."""
        return export_full(self.network(weights), weights)

    def network(self, weights: Weights) -> Network:
        """The trained network; from its checkpoints, where it is trained already."""
        pairs = load_column(self._examples, "pairs")
        population = describe_population(*self._spoken(pairs, self._loud))
        network = Network(
            block_parameters(weights, FROZEN_BLOCKS), population, HeadSize(), self._seed
        )
        statistics = statistics_of(pairs, self._loud, population)
        self._stage(network, HEAD_STAGE, _HEAD_BATCH, pairs, statistics, "heads")
        del pairs
        if BLOCK_STAGE.steps:
            tokens = load_column(self._examples, "tokens")
            self._stage(network, BLOCK_STAGE, _BLOCK_BATCH, tokens, statistics, "block")
        return network

    def lite(self, weights: Weights) -> bytes:
        """Train the small network on the large one's scores and export."""
        teacher = self._teacher_scores(weights)
        pairs = load_column(self._examples, "pairs")
        population = describe_population(*self._spoken(pairs, self._loud))
        hints = pairs[:, :, CHANNELS // 2 :]
        hints = (hints - population.mean[CHANNELS // 2 :]) / population.deviation[CHANNELS // 2 :]
        hints = hints.astype(np.float16)
        del pairs
        spoken = self._rows[self._columns.label[self._rows] >= 0]
        spectrum = lite.describe_spectrum(self._features[spoken])
        statistics = _spectrum_statistics(self._features, spectrum)
        sampler = Sampler(self._columns, self._rows, statistics, _LITE_BATCH, self._seed)
        steps = round(LITE_STEPS * self._scale)
        distiller = Distiller(spectrum, steps, LITE_RATE, self._seed, self._folder / "lite")
        distiller.run(self._features, hints, teacher, sampler, "lite")
        np.save(self._folder / "lite-history.npy", distiller.history.numpy())
        return export_lite(distiller.parameters, spectrum)

    def _spoken(
        self, pairs: npt.NDArray[np.float16], loud: FloatArray
    ) -> tuple[npt.NDArray[np.float16], FloatArray]:
        spoken = self._rows[self._columns.label[self._rows] >= 0][::_POPULATION_STEP]
        return pairs[spoken], loud[spoken]

    def _stage(
        self,
        network: Network,
        stage: Stage,
        batch_size: int,
        hidden: npt.NDArray[np.float16],
        statistics: FloatArray,
        name: str,
    ) -> None:
        stage = dataclasses.replace(stage, steps=round(stage.steps * self._scale))
        trainer = Trainer(network, stage, self._folder / name)
        sampler = Sampler(self._columns, self._rows, statistics, batch_size, self._seed)
        trainer.run(hidden, self._real, self._loud, sampler, statistics, name)
        np.save(self._folder / f"{name}-history.npy", trainer.history.numpy())

    def _teacher_scores(self, weights: Weights) -> FloatArray:
        """Label logits of the large model for all windows that may be trained on."""
        path = self._folder / "teacher.npy"
        if path.exists():
            return np.asarray(np.load(path))
        network = self.network(weights)
        population = population_parameters(network.population)
        cold = tf.zeros((1, 2 * CHANNELS))

        def score(tokens: tf.Tensor, real: tf.Tensor) -> tf.Tensor:
            standard = standardise(network.pairs(tokens), population)
            return judge(standard, real, cold, network.heads)[:, :-1]

        tokens = load_column(self._examples, "tokens")
        scores = np.zeros((len(tokens), 8), np.float32)
        compiled = tf.function(score, autograph=False)
        for rows in progress(np.array_split(self._rows, len(self._rows) // 32 + 1), "teacher"):
            scores[rows] = compiled(tokens[rows].astype(np.float32), self._real[rows]).numpy()
        np.save(path, scores)
        return scores


def _spectrum_statistics(features: npt.NDArray[np.float32], spectrum: lite.Spectrum) -> FloatArray:
    parts = []
    for part in np.array_split(features, len(features) // 64 + 1):
        mel, _, loud = lite.relative_mel(tf.constant(part))
        parts.append(lite.statistics(mel, loud, spectrum).numpy())
    return np.concatenate(parts)


if __name__ == "__main__":
    main()
