"""Train models: ``python -m emotiond.models.training.train full`` or ``lite``.

A run trains with one fold left out, or on all actors (``all``). ``lite`` learns from the ``full``
of the same run, so that its teacher was not trained on the held-out actors. A run that is finished
is exported again from its checkpoints. Evaluate the model afterwards, since its card is new.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import tensorflow as tf

from emotiond.exceptions import DataError
from emotiond.models.training.common.cards import UNFITTED, write_card
from emotiond.models.training.common.command import run, use_one_thread
from emotiond.models.training.common.files import digest_of, load_arrays, write_whole
from emotiond.models.training.data.examples import load_streams, refuse_another_encoder
from emotiond.models.training.fitting.full import train_full
from emotiond.models.training.fitting.lite import train_lite
from emotiond.models.training.fitting.run import RUNS, Run, Settings, Windows

_TRAININGS = {"full": train_full, "lite": train_lite}


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line, train, and write each model with a card without evaluation."""
    options = _parse(arguments)
    tf.random.set_seed(options.seed)
    settings = Settings(load_arrays(options.cache / "encoder.npz"), options.seed, options.scale)
    encoder, examples = digest_of(settings.encoder), options.cache / "examples"
    refuse_another_encoder(examples, encoder)
    windows = Windows(load_streams(examples))
    for name in options.only:
        folder = options.runs / name
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_another_run(folder, encoder)
        model = _TRAININGS[options.model](Run(windows, folder, settings))
        path = folder / f"{options.model}.tflite"
        write_whole(path, model)
        write_card(path, UNFITTED, {"protocol": "not yet evaluated"})


def _refuse_another_run(folder: Path, encoder: str) -> None:
    """Write the encoder's digest into a new folder of a run; refuse one with another digest."""
    path = folder / "encoder.sha256"
    if path.exists() and path.read_text().split() != [encoder]:
        raise DataError(
            f"{folder} holds a run with another encoder", "Give an empty folder to --runs"
        )
    if not any(folder.iterdir()):  # a run of an earlier version does not say
        write_whole(path, f"{encoder}\n".encode())


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="emotiond.models.training.train", description=__doc__)
    parser.add_argument("model", choices=tuple(_TRAININGS))
    parser.add_argument(
        "--cache",
        type=Path,
        required=True,
        help="folder that emotiond.models.training.prepare wrote",
    )
    parser.add_argument("--runs", type=Path, required=True, help="checkpoints and results")
    parser.add_argument("--only", choices=RUNS, nargs="+", default=RUNS, help="only these runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0, help="factor of the number of steps")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    use_one_thread()
    run(main)
