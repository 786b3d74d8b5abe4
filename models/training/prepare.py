"""Make the training streams: ``python -m emotiond.models.training.prepare``."""

from __future__ import annotations

import argparse
from pathlib import Path

from emotiond.models.training.common.command import run
from emotiond.models.training.common.files import load_arrays
from emotiond.models.training.data.corpora import (
    NOISE_TEST_FOLD,
    TEST_FOLD,
    Clip,
    load_audio,
    read_esc10,
    read_nemo,
    read_ravdess,
)
from emotiond.models.training.data.examples import make_examples, training_tasks
from emotiond.models.training.networks.frozen import FrozenEncoder


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="emotiond.models.training.prepare", description=__doc__)
    add_data_arguments(parser)
    parser.add_argument(
        "--cache",
        type=Path,
        required=True,
        help="folder with the encoder from emotiond.models.training.distill, for the streams",
    )
    parser.add_argument("--limit", type=int, help="make only this many streams, for a trial")
    options = parser.parse_args(arguments)
    clips = training_clips(options)
    noises = [load_audio(clip.path) for clip in clips if clip.label is None]
    encoder = FrozenEncoder(load_arrays(options.cache / "encoder.npz"))
    tasks = training_tasks(clips, seed=0)[: options.limit]
    make_examples(tasks, noises, encoder, options.cache / "examples")


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folders of the corpora; only RAVDESS speech is required."""
    parser.add_argument("--speech", type=Path, required=True, help="RAVDESS speech")
    parser.add_argument("--song", type=Path, help="RAVDESS song")
    parser.add_argument("--nemo", type=Path, help="nEMO")
    parser.add_argument("--esc10", type=Path, help="ESC-10")


def training_clips(options: argparse.Namespace) -> list[Clip]:
    """Return the clips for training from every given corpus."""
    clips = read_ravdess(options.speech)
    clips += read_ravdess(options.song) if options.song else []
    clips += read_nemo(options.nemo) if options.nemo else []
    noises = read_esc10(options.esc10) if options.esc10 else []
    clips += [clip for clip in noises if clip.fold != NOISE_TEST_FOLD]
    return [clip for clip in clips if clip.fold != TEST_FOLD]


if __name__ == "__main__":
    run(main)
