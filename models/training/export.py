"""Export trained runs again: ``python -m emotiond.models.training.export full`` or ``lite``.

Training ends with an export. This command repeats it from the checkpoints, for instance after a
change of the exported graph. Evaluate the model again afterwards, since its card is new.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from emotiond.exceptions import DataError
from emotiond.models.training.common.cards import UNFITTED, write_card
from emotiond.models.training.common.command import run
from emotiond.models.training.common.files import write_whole
from emotiond.models.training.fitting.run import RUNS, Run, Settings, Windows
from emotiond.models.training.networks.whisper import load_encoder


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and export.

    Raises:
        DataError: the training of a run is not finished.
    """
    parser = argparse.ArgumentParser(prog="emotiond.models.training.export", description=__doc__)
    add_run_arguments(parser)
    options = parser.parse_args(arguments)
    for opened in open_runs(options):
        if not opened.finished(options.model):
            raise DataError(
                f"{opened.folder} holds no finished training of {options.model}",
                "Run python -m emotiond.models.training.train first, with the same options",
            )
        export_run(opened, options.model)


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of training and export."""
    parser.add_argument("model", choices=("full", "lite"))
    parser.add_argument(
        "--cache",
        type=Path,
        required=True,
        help="folder that emotiond.models.training.prepare wrote",
    )
    parser.add_argument("--whisper", type=Path, required=True, help="tiny.pt or an .npz")
    parser.add_argument("--runs", type=Path, required=True, help="checkpoints and results")
    parser.add_argument("--only", choices=RUNS, nargs="+", default=RUNS, help="only these runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0, help="factor of the number of steps")


def open_runs(options: argparse.Namespace) -> Iterator[Run]:
    """Yield the runs that the options name."""
    tf.random.set_seed(options.seed)
    settings = Settings(load_encoder(options.whisper), options.seed, options.scale)
    windows = Windows.load(options.cache / "examples")
    for name in options.only:
        yield Run(windows, options.runs / name, settings)


def export_run(opened: Run, model: str) -> None:
    """Train if necessary, and write the model with a card without evaluation."""
    path = opened.folder / f"{model}.tflite"
    write_whole(path, opened.full() if model == "full" else opened.lite())
    write_card(path, UNFITTED, {"protocol": "not yet evaluated"})


def use_one_thread() -> None:
    """Limit TensorFlow to one thread; more threads slow it down on small machines."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


if __name__ == "__main__":
    use_one_thread()
    run(main)
