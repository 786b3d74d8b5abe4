"""Teach the streaming encoder: ``python -m emotiond.models.training.distill``.

It learns without labels from Whisper's states of the same speech, and from no clip of RAVDESS. So
one encoder serves all folds.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from emotiond.models.training.common.command import run, use_one_thread
from emotiond.models.training.common.files import save_arrays
from emotiond.models.training.data.corpora import read_crema_d, read_nemo
from emotiond.models.training.data.speeches import read_speeches
from emotiond.models.training.fitting.self_distillation import SCHEDULE, SelfDistillation
from emotiond.models.training.networks.encoder import encoder_parameters
from emotiond.models.training.networks.whisper import load_encoder


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line, train, and write ``encoder.npz`` into the cache."""
    parser = argparse.ArgumentParser(prog="emotiond.models.training.distill", description=__doc__)
    parser.add_argument("--nemo", type=Path, required=True, help="nEMO")
    parser.add_argument("--crema-d", type=Path, help="CREMA-D")
    parser.add_argument("--whisper", type=Path, required=True, help="tiny.pt or an .npz")
    parser.add_argument("--cache", type=Path, required=True, help="folder for encoder.npz")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=SCHEDULE.steps)
    options = parser.parse_args(arguments)
    clips = read_nemo(options.nemo)
    clips += read_crema_d(options.crema_d) if options.crema_d else []
    options.cache.mkdir(parents=True, exist_ok=True)
    training = SelfDistillation(
        encoder_parameters(load_encoder(options.whisper)),
        dataclasses.replace(SCHEDULE, steps=options.steps),
        options.cache / "distillation",
    )
    learned = training.run(read_speeches(clips), options.seed)
    save_arrays(options.cache / "encoder.npz", learned)
    save_arrays(options.cache / "encoder-losses.npz", {"losses": training.losses})


if __name__ == "__main__":
    use_one_thread()
    run(main)
