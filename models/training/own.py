"""Train on one's own recordings: ``python -m emotiond.models.training.own``.

It checks the table and looks for leaks, trains the heads of the shipped ``full`` further, judges
them on speakers that they did not hear, and writes a model with its card and its report.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from emotiond import models
from emotiond.dsp.types import FloatArray
from emotiond.exceptions import DataError
from emotiond.inference.card import LABELS
from emotiond.models.training.common.cards import ABOUT, UNFITTED, About, write_card
from emotiond.models.training.common.command import run, use_one_thread
from emotiond.models.training.common.files import save_arrays, write_whole
from emotiond.models.training.data.corpora import Clip
from emotiond.models.training.data.examples import load_streams, make_examples, training_tasks
from emotiond.models.training.data.leaks import length_leak, voice_leaks
from emotiond.models.training.data.own import OwnCorpus, make_corpus, read_own_clips
from emotiond.models.training.data.table import read_label_map, read_table
from emotiond.models.training.evaluate import for_card, training_curves
from emotiond.models.training.evaluation.accuracy import accuracy, recalls
from emotiond.models.training.evaluation.cached_inference import CachedInference
from emotiond.models.training.evaluation.cross_validation import Extent, Fold, evaluate
from emotiond.models.training.evaluation.replay import clip_scores
from emotiond.models.training.evaluation.report import percent, write_report
from emotiond.models.training.fitting.own import fine_tune
from emotiond.models.training.fitting.run import RUNS, Run, Settings, Windows
from emotiond.models.training.networks.frozen import FrozenEncoder
from emotiond.models.training.networks.shipped import Shipped, read_shipped

_EXTENT = Extent(orders=2, streams=2, changes=10, share=4)
_MOST_VOICELESS = 0.5
"""Share of clips in which the shipped detector may hear no voice."""
_NO_VOICE = -1
_PROTOCOL = (
    "Own recordings, {folds} folds by speaker; every figure comes from the exported .tflite in the "
    "daemon's own pipeline, on speakers whom the trained heads did not hear; temperature and "
    "smoothing of a fold come from the other folds. The model itself is trained on all speakers "
    "with the same settings."
)


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run."""
    options = _parse(arguments)
    found = read_label_map(options.labels) if options.labels else {label: label for label in LABELS}
    table = read_table(options.table, found)
    clips = read_own_clips(options.table, table.rows, options.work / "segments")
    corpus, notes = make_corpus(options.table, clips)
    leak = length_leak(corpus)
    notes = [_summary(corpus, table.left_out), *notes, *([leak] if leak else [])]
    print("\n".join(notes), flush=True)
    shipped = read_shipped(options.start)
    folder = options.work / _key(corpus, shipped, options)
    folder.mkdir(parents=True, exist_ok=True)
    save_arrays(folder / "encoder.npz", shipped.encoder)
    judged = _judged_before(options.start, corpus, folder)
    before = _figures(judged, corpus)
    voices = _voice_notes(judged, corpus)
    for note in voices:
        print(note, flush=True)
    tasks = training_tasks(corpus.clips, options.seed, synthetic_noises=0)
    make_examples(tasks, [], FrozenEncoder(shipped.encoder), folder / "examples")
    windows = Windows(load_streams(folder / "examples"))
    name = options.out.stem
    about = _about(corpus, options.licence)
    settings = Settings(shipped.encoder, options.seed, options.scale)
    tf.random.set_seed(options.seed)
    runs = folder / "runs"
    for run_name in (*RUNS[: corpus.folds], "all"):
        (runs / run_name).mkdir(parents=True, exist_ok=True)
        path = runs / run_name / f"{name}.tflite"
        write_whole(path, fine_tune(Run(windows, path.parent, settings), shipped))
        write_card(path, UNFITTED, {"protocol": "not yet evaluated"}, about)
    results = _evaluate(runs, name, corpus)
    compared = _comparison(before, results["cold"])
    print(compared)
    results["notes"] = [*notes, *voices, compared]
    model = runs / "all" / f"{name}.tflite"
    evaluation = {**for_card(results), "shipped": before}
    write_card(model, results.pop("fitted"), evaluation, about)
    results["card"] = json.loads(model.with_suffix(".json").read_text("utf-8"))
    results["seeds"] = [results["cold"]["folds"]]
    results["curves"] = [training_curves(runs, "full")]
    write_report(options.out.with_suffix(".html"), results)
    for suffix in (".json", ".tflite"):
        write_whole(options.out.with_suffix(suffix), model.with_suffix(suffix).read_bytes())
    print(f"{options.out}: use it with emotiond --model {options.out}")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="emotiond.models.training.own", description=__doc__)
    parser.add_argument(
        "--table", type=Path, required=True, help="CSV: path,speaker,label and perhaps start,end"
    )
    parser.add_argument(
        "--labels",
        type=Path,
        help="CSV: own,label, which of the eight each own label means; empty leaves its clips out",
    )
    parser.add_argument("--licence", required=True, help="licence of the recordings, for the card")
    parser.add_argument("--work", type=Path, required=True, help="folder to work in; it resumes")
    parser.add_argument("--out", type=Path, required=True, help="the model, such as mine.tflite")
    parser.add_argument(
        "--start",
        type=Path,
        default=Path(models.__path__[0]) / "full.tflite",
        help="the full.tflite to begin with, its card beside it",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0, help="factor of the number of steps")
    options = parser.parse_args(arguments)
    if options.out.suffix != ".tflite":
        parser.error(f"--out is {options.out}, and has to end in .tflite")
    if not options.out.parent.is_dir():
        parser.error(f"--out is {options.out}, and there is no folder {options.out.parent}")
    return options


def _summary(corpus: OwnCorpus, left_out: int) -> str:
    labels = ", ".join(f"{label} {count}" for label, count in corpus.labels.items())
    rest = f"; {left_out} rows left out by the map of labels" if left_out else ""
    return (
        f"{len(corpus.clips)} clips of {len(corpus.speakers)} speakers, "
        f"{corpus.seconds.sum() / 60:.1f} minutes: {labels}{rest}"
    )


def _key(corpus: OwnCorpus, shipped: Shipped, options: argparse.Namespace) -> str:
    """Name the folder of this training, so that another one begins anew."""
    told = f"{corpus.digest} {shipped.digest} {options.seed} {options.scale} {options.out.stem}"
    return hashlib.sha256(told.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class _Judged:
    """A clip, as the shipped model hears it."""

    clip: Clip
    scores: FloatArray
    """Mean posteriors, ``(8,)``."""
    statistics: FloatArray
    """Mean statistics of the speaker, without what the emotion is likely to add."""


def _judged_before(start: Path, corpus: OwnCorpus, folder: Path) -> list[_Judged]:
    """Let the shipped model hear all clips; those without a voice are missing.

    Raises:
        DataError: it hears no voice in too many clips, or in all of a speaker.
    """
    model = folder / "shipped" / start.name
    model.parent.mkdir(exist_ok=True)
    for suffix in (".json", ".tflite"):
        try:
            write_whole(model.with_suffix(suffix), start.with_suffix(suffix).read_bytes())
        except OSError as error:
            raise DataError(
                f"cannot copy {start.with_suffix(suffix)} ({error.strerror})",
                "Keep the card beside the model of --start, and space in --work",
            ) from error
    inference = CachedInference(model)
    judged = []
    for part in inference.clips(corpus.clips):
        scores = clip_scores(part.steps, inference.card)
        heard = [
            step.prediction.statistics
            for step in part.steps
            if step.prediction and step.prediction.voice >= inference.card.voice_threshold
        ]
        statistics = [one for one in heard if one is not None]
        if scores is not None and statistics:
            judged.append(_Judged(part.clip, scores, np.mean(statistics, axis=0)))
    silent = {clip.speaker for clip in corpus.clips} - {one.clip.speaker for one in judged}
    without = 1 - len(judged) / len(corpus.clips)
    if without > _MOST_VOICELESS or silent:
        names = ", ".join(sorted(map(corpus.name_of, silent)))
        whose = f", and in none of {names} is one" if silent else ""
        raise DataError(
            f"no voice is heard in {percent(without)} of the clips{whose}",
            "Look for the right channel, level and segments: emotiond analyze shows each file",
        )
    return judged


def _figures(judged: Sequence[_Judged], corpus: OwnCorpus) -> dict[str, float]:
    """Return how well the shipped model does, among the labels that the corpus has."""
    known = np.array([label in corpus.labels for label in LABELS])
    found = {one.clip: int(np.where(known, one.scores, -1).argmax()) for one in judged}
    truth = np.array([LABELS.index(str(clip.label)) for clip in corpus.clips])
    chosen = np.array([found.get(clip, _NO_VOICE) for clip in corpus.clips])
    return {
        "accuracy": round(accuracy(truth, chosen), 4),
        "unweighted_average_recall": round(float(np.nanmean(recalls(truth, chosen))), 4),
    }


def _comparison(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    rows = [
        f"{percent(row['unweighted_average_recall'])} ({percent(row['accuracy'])} of all clips)"
        for row in (before, after)
    ]
    return (
        f"Right clips, mean over the labels: {rows[1]}; the shipped full, choosing among these "
        f"labels: {rows[0]}"
    )


def _voice_notes(judged: Sequence[_Judged], corpus: OwnCorpus) -> list[str]:
    """Name speakers who sound as one."""
    pairs = voice_leaks(
        np.stack([one.statistics for one in judged]),
        np.array([one.clip.speaker for one in judged]),
        np.array([LABELS.index(str(one.clip.label)) for one in judged]),
    )
    return [
        f"{corpus.name_of(one)} and {corpus.name_of(other)} sound like one voice (they differ "
        f"{ratio:.2f} times as much as a voice differs from itself): give them one name if they are"
        for one, other, ratio in pairs
    ]


def _about(corpus: OwnCorpus, licence: str) -> About:
    """Return what the card says."""
    unheard = [label for label in LABELS if label not in corpus.labels]
    never = (f"It was taught never to say {', '.join(unheard)}: no clip has it",) if unheard else ()
    base = ABOUT["full"]
    return About(
        "full",
        f"The heads of emotiond's `full`, trained further on {_summary(corpus, 0)}. The encoder "
        "and the voice detector are those of `full`.",
        f"{base.weights_licence}, as emotiond's `full`, from which the weights derive; the "
        f"recordings: {licence}",
        (
            f"Own recordings: {_summary(corpus, 0)}; licence: {licence}",
            *(f"`full`, to begin with: {text}" for text in base.training_data),
        ),
        (
            *never,
            f"Judged on {len(corpus.speakers)} speakers of one collection alone; see the interval",
            "The known weaknesses of `full` may be its own, too",
        ),
    )


def _evaluate(runs: Path, name: str, corpus: OwnCorpus) -> dict[str, Any]:
    folds = [
        Fold(
            CachedInference(runs / f"fold{number}" / f"{name}.tflite"),
            [clip for clip in corpus.clips if clip.fold == number],
        )
        for number in range(1, corpus.folds + 1)
    ]
    results = evaluate(folds, [], [], runs / "all" / f"{name}.tflite", _EXTENT)
    results["protocol"] = _PROTOCOL.format(folds=corpus.folds)
    return results


if __name__ == "__main__":
    use_one_thread()
    run(main)
