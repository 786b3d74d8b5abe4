"""Judge cross-validated models as the daemon does: ``python -m emotiond.models.evaluate full``.

Whatever is fitted after training (temperature, voice threshold, smoothing) is fitted, for each
fold, on what the other folds' models say of their own held-out actors. The card of the model in
the run ``all`` gets the settings fitted on all folds.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from emotiond.dsp.types import FloatArray
from emotiond.inference.card import LABELS, Card
from emotiond.models.cards import Fitted, write_card
from emotiond.models.clip_figures import clip_table, enrolment_table, holding_table, window_table
from emotiond.models.command import run
from emotiond.models.corpora import (
    FOLDS,
    NOISE_TEST_FOLD,
    Clip,
    load_audio,
    read_esc10,
    read_ravdess,
)
from emotiond.models.fitting import (
    fit_sharpness,
    fit_smoothing,
    fit_temperature,
    fit_voice_threshold,
    threshold_curve,
)
from emotiond.models.hearing import CONDITIONS, HeardClip, HeardStream, Hearing
from emotiond.models.listening import conclude
from emotiond.models.metrics import calibration
from emotiond.models.noise_figures import noise_table, open_share
from emotiond.models.report import write_report
from emotiond.models.stream_figures import measure, spoken_scores, totals
from emotiond.models.streams import actor_random
from emotiond.streamer.streams.pipeline import Verdict

T = TypeVar("T")

PROTOCOL = (
    "RAVDESS speech, eight classes, four folds by actor (2,5,14,15,16 / 3,6,7,13,18 / "
    "10,11,12,19,20 / 8,17,21,23,24); every figure is of the exported .tflite through the "
    "daemon's own pipeline, on actors that the model and what it learned from never heard; "
    "temperature, voice threshold and smoothing of a fold come from the other folds. What is the "
    "same for all folds (layers, weights of losses, what is taken for the emotion's in a "
    "speaker's statistics) was chosen on clips of these actors, too, by models that had not heard "
    "them; what kind of smoothing there is, and between which settings it is fitted, with the "
    "reported streams in sight. The shipped model is trained on all 20 actors with the same "
    "settings."
)

_OTHERS_SHARE = 3
"""Every so many clips of other emotions are heard after one that lasted."""


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="emotiond.models.evaluate", description=__doc__)
    parser.add_argument("model", choices=("full", "lite"))
    parser.add_argument("--speech", type=Path, required=True, help="RAVDESS speech")
    parser.add_argument("--esc10", type=Path, required=True, help="ESC-10")
    parser.add_argument(
        "--runs", type=Path, required=True, help="as emotiond.models.train filled it"
    )
    parser.add_argument("--seeds", type=Path, nargs="+", default=[], help="runs of other seeds")
    parser.add_argument("--report", type=Path, required=True, help="HTML file to write")
    parser.add_argument("--orders", type=int, default=5, help="of an actor's clips, adapting")
    parser.add_argument("--streams", type=int, default=5, help="of each actor")
    parser.add_argument("--share", type=int, default=4, help="every so many clips under noise")
    options = parser.parse_args(arguments)
    clips = read_ravdess(options.speech)
    folds, *others = (_folds(runs, options.model, clips) for runs in (options.runs, *options.seeds))
    esc10 = [clip for clip in read_esc10(options.esc10) if clip.fold == NOISE_TEST_FOLD]
    extent = Extent(options.orders, options.streams, options.share)
    shipped = options.runs / "all" / f"{options.model}.tflite"
    results = evaluate(folds, esc10, shipped, extent)
    results["seeds"] = [results["cold"]["folds"], *map(cold_by_fold, others)]
    results["curves"] = [_curves(runs, options.model) for runs in (options.runs, *options.seeds)]
    fitted = results.pop("fitted")
    write_card(shipped, fitted, _for_card(results))
    results["card"] = json.loads(shipped.with_suffix(".json").read_text("utf-8"))
    write_report(options.report, results)


@dataclasses.dataclass(frozen=True)
class Extent:
    """How much is heard."""

    orders: int
    """Random orders of each actor's clips to adapt in."""
    streams: int
    """Of each actor."""
    share: int
    """Every so many clips are heard under noise."""
    held_seconds: float = 60.0
    """Of speech, for which one emotion lasts: it must not become the speaker's own."""


@dataclasses.dataclass(frozen=True)
class Fold:
    """A model and the actors that it never heard."""

    hearing: Hearing
    clips: list[Clip]

    def actors(self) -> list[list[Clip]]:
        """Clips of one actor each."""
        names = sorted({clip.speaker for clip in self.clips})
        return [[clip for clip in self.clips if clip.speaker == name] for name in names]


def _folds(runs: Path, model: str, clips: Sequence[Clip]) -> list[Fold]:
    return [
        Fold(
            Hearing(runs / f"fold{number}" / f"{model}.tflite"),
            [clip for clip in clips if clip.fold == number],
        )
        for number in range(1, len(FOLDS) + 1)
    ]


def cold_by_fold(folds: Sequence[Fold]) -> list[float]:
    """Clip accuracies of a training with another seed."""
    heard = [fold.hearing.clips(fold.clips) for fold in folds]
    base = folds[0].hearing.card
    cards = [_fit_scores(base, _others(heard, number)) for number in range(len(folds))]
    by_fold: list[float] = clip_table(heard, cards)["folds"]
    return by_fold


def evaluate(
    folds: Sequence[Fold], esc10: Sequence[Clip], shipped: Path, extent: Extent
) -> dict[str, Any]:
    """Everything that the report shows.

    Args:
        folds: models, and the actors that they never heard.
        esc10: noises that no model heard.
        shipped: path of the model to hear them, with the settings that are fitted on all folds.
        extent: of what is heard.
    """
    heard = [fold.hearing.clips(fold.clips) for fold in folds]
    streams = [
        [
            fold.hearing.stream(actor, seed)
            for seed in range(extent.streams)
            for actor in fold.actors()
        ]
        for fold in folds
    ]
    base = folds[0].hearing.card
    cards = [
        _fit(base, _others(heard, number), _others(streams, number)) for number in range(len(folds))
    ]
    final = _fit(base, list(chain(*heard)), list(chain(*streams)))
    told = [
        [(s.stream, _verdicts(s, card)) for s in part]
        for part, card in zip(streams, cards, strict=True)
    ]
    figures = [[measure(stream, verdicts) for stream, verdicts in part] for part in told]
    scores = [spoken_scores(stream, verdicts) for part in told for stream, verdicts in part]
    noises = [load_audio(clip.path) for clip in esc10]
    angry = next(clip for clip in folds[0].clips if clip.label == "angry")
    results: dict[str, Any] = {
        "protocol": PROTOCOL,
        "extent": dataclasses.asdict(extent),
        "cold": clip_table(heard, cards),
        "windows": window_table(heard, cards),
        "adapted": clip_table(
            [[h for seed in range(extent.orders) for h in _in_order(fold, seed)] for fold in folds],
            cards,
        ),
        "adapted_sorted": clip_table([_in_order(fold, None) for fold in folds], cards),
        "enrolled": enrolment_table([_enrolled(fold) for fold in folds], heard, cards),
        "held": holding_table(
            [_after_holding(fold, extent.held_seconds) for fold in folds], heard, cards
        ),
        "stream": {
            **totals([figure for part in figures for figure in part]),
            "calibration_error": _calibration_error(scores),
            "folds": [totals(part) for part in figures],
        },
        "thresholds": threshold_curve(
            [[(s.stream, s.steps) for s in part] for part in streams],
            cards,
            np.arange(0.0, 1.0, 0.05),
        ),
        "conditions": {
            condition: clip_table(
                [
                    fold.hearing.under(condition, _sample(fold.clips, extent.share), noises)
                    for fold in folds
                ],
                cards,
            )
            for condition in CONDITIONS
        },
        "noise": noise_table(Hearing(shipped), esc10, angry, final),
        "open": open_share(streams, cards),
        "fitted": Fitted(final.temperature, final.voice_threshold, final.smoothing),
    }
    return results


def _fit_scores(base: Card, clips: Sequence[HeardClip]) -> Card:
    truth = [LABELS.index(str(h.clip.label)) for h in clips]
    temperature = fit_temperature([h.steps for h in clips], truth, base)
    threshold = fit_voice_threshold([h.steps for h in clips])
    return dataclasses.replace(base, temperature=temperature, voice_threshold=threshold)


def _fit(base: Card, clips: Sequence[HeardClip], streams: Sequence[HeardStream]) -> Card:
    card = _fit_scores(base, clips)
    spoken = [(h.stream, h.steps) for h in streams]
    smoothing = fit_smoothing(spoken, card)
    card = dataclasses.replace(card, smoothing=smoothing)
    sharpness = fit_sharpness(spoken, card)
    return dataclasses.replace(card, smoothing=dataclasses.replace(smoothing, sharpness=sharpness))


def _calibration_error(parts: Sequence[tuple[FloatArray, npt.NDArray[np.int64]]]) -> float:
    """Of the scores that were published on streams."""
    scores, truth = (np.concatenate(column) for column in zip(*parts, strict=True))
    return round(calibration(scores, truth).error, 4)


def _others(parts: Sequence[list[T]], number: int) -> list[T]:
    """Everything of the other folds."""
    return [item for i, part in enumerate(parts) if i != number for item in part]


def _verdicts(heard: HeardStream, card: Card) -> list[Verdict]:
    return conclude(heard.steps, card)


def _sample(clips: Sequence[Clip], share: int) -> list[Clip]:
    """One in so many clips, drawn at random, the same ones every time."""
    drawn = np.random.default_rng(0).permutation(len(clips))[: -(-len(clips) // share)]
    return [clips[i] for i in sorted(drawn.tolist())]


def _in_order(fold: Fold, seed: int | None) -> list[HeardClip]:
    """Every actor's clips, adapting: shuffled, or sorted by emotion as a stress."""
    heard = []
    for clips in fold.actors():
        if seed is None:
            ordered = sorted(clips, key=lambda clip: LABELS.index(str(clip.label)))
        else:
            permutation = actor_random(clips, seed).permutation(len(clips))
            ordered = [clips[i] for i in permutation]
        heard += fold.hearing.adapting(ordered, "sorted" if seed is None else str(seed))
    return heard


def _enrolled(fold: Fold) -> list[HeardClip]:
    """Every actor's clips but the neutral ones, which made his profile."""
    heard = []
    for clips in fold.actors():
        neutral = [clip for clip in clips if clip.label == "neutral"]
        rest = [clip for clip in clips if clip.label != "neutral"]
        heard += fold.hearing.enrolled(rest, neutral)
    return heard


def _after_holding(fold: Fold, seconds: float) -> list[tuple[str, HeardClip]]:
    """Clips of one actor after each emotion has lasted, with that emotion."""
    clips, told = fold.actors()[0], []
    for label in LABELS:
        held = [clip for clip in clips if clip.label == label]
        others = [clip for clip in clips if clip.label != label][::_OTHERS_SHARE]
        if held:
            heard = fold.hearing.after_holding(held, [*held, *others], seconds)
            told += [(label, one) for one in heard]
    return told


def _curves(runs: Path, model: str) -> dict[str, list[float]]:
    """How the training of the first fold went, see :class:`emotiond.models.history.History`."""
    name = "heads" if model == "full" else "lite"
    with np.load(runs / "fold1" / f"{name}-history.npz") as archive:
        return {key: archive[key].tolist() for key in archive.files}


def _for_card(results: dict[str, Any]) -> dict[str, Any]:
    """The part of the results that a card carries."""
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
    }


if __name__ == "__main__":
    run(main)
