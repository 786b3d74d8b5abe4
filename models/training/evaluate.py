"""Evaluate cross-validated models: ``python -m emotiond.models.training.evaluate full``.

Temperature, voice threshold and smoothing are fitted after training. For each fold they are fitted
on the predictions of the other folds' models for their own held-out actors. The card of the model
in the run ``all`` gets the settings fitted on all folds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emotiond.models.training.common.cards import write_card
from emotiond.models.training.common.command import run
from emotiond.models.training.data.corpora import (
    FOLDS,
    NOISE_TEST_FOLD,
    Clip,
    read_crema_d,
    read_esc10,
    read_ravdess,
)
from emotiond.models.training.evaluation.cached_inference import CachedInference
from emotiond.models.training.evaluation.cross_validation import (
    Extent,
    Fold,
    cold_by_fold,
    evaluate,
)
from emotiond.models.training.evaluation.report import write_report


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="emotiond.models.training.evaluate", description=__doc__)
    parser.add_argument("model", choices=("full", "lite"))
    parser.add_argument("--speech", type=Path, required=True, help="RAVDESS speech")
    parser.add_argument("--esc10", type=Path, required=True, help="ESC-10")
    parser.add_argument(
        "--runs", type=Path, required=True, help="folder that emotiond.models.training.train wrote"
    )
    parser.add_argument("--seeds", type=Path, nargs="+", default=[], help="runs with other seeds")
    parser.add_argument(
        "--crema-d", type=Path, required=True, help="CREMA-D, of which no model has learned a voice"
    )
    parser.add_argument("--report", type=Path, required=True, help="HTML file to write")
    parser.add_argument(
        "--orders", type=int, default=5, help="random orders of an actor's clips, for adaptation"
    )
    parser.add_argument("--streams", type=int, default=5, help="test streams of each actor")
    parser.add_argument(
        "--changes", type=int, default=30, help="changes inside speech, for each actor"
    )
    parser.add_argument("--share", type=int, default=4, help="use one clip in N under noise")
    options = parser.parse_args(arguments)
    clips = read_ravdess(options.speech)
    folds, *others = (_folds(runs, options.model, clips) for runs in (options.runs, *options.seeds))
    esc10 = [clip for clip in read_esc10(options.esc10) if clip.fold == NOISE_TEST_FOLD]
    extent = Extent(options.orders, options.streams, options.changes, options.share)
    shipped = options.runs / "all" / f"{options.model}.tflite"
    strangers = read_crema_d(options.crema_d)
    results = evaluate(folds, esc10, strangers, shipped, extent)
    results["seeds"] = [results["cold"]["folds"], *map(cold_by_fold, others)]
    results["curves"] = [
        training_curves(runs, options.model) for runs in (options.runs, *options.seeds)
    ]
    fitted = results.pop("fitted")
    write_card(shipped, fitted, for_card(results))
    results["card"] = json.loads(shipped.with_suffix(".json").read_text("utf-8"))
    write_report(options.report, results)


def _folds(runs: Path, model: str, clips: Sequence[Clip]) -> list[Fold]:
    return [
        Fold(
            CachedInference(runs / f"fold{number}" / f"{model}.tflite"),
            [clip for clip in clips if clip.fold == number],
        )
        for number in range(1, len(FOLDS) + 1)
    ]


def training_curves(runs: Path, model: str) -> dict[str, list[float]]:
    """Read the training curves of the first fold, see ``fitting.curves``."""
    name = "heads" if model == "full" else "lite"
    with np.load(runs / "fold1" / f"{name}-curves.npz") as archive:
        return {key: archive[key].tolist() for key in archive.files}


def for_card(results: dict[str, Any]) -> dict[str, Any]:
    """Return the results that belong in a card."""
    cold = results["cold"]
    return {
        "protocol": results["protocol"],
        "accuracy": cold["accuracy"],
        "interval_95": cold["interval"],
        "unweighted_average_recall": cold["unweighted_average_recall"],
        "per_class": cold["per_class"],
        "by_sex": cold["by_sex"],
        "calibration_error": cold["calibration_error"],
        "accuracy_adapted": results["adapted"]["accuracy"],
        "stream": {key: value for key, value in results["stream"].items() if key != "folds"},
        "changes": results["changes"],
    }


if __name__ == "__main__":
    run(main)
