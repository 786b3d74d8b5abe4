"""Evaluates the model of each fold on its held-out actors."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from emotiond.dsp.types import FloatArray
from emotiond.inference.card import LABELS, Card
from emotiond.models.training.common.cards import Fitted
from emotiond.models.training.common.progress import progress
from emotiond.models.training.data.corpora import (
    Clip,
    load_audio,
)
from emotiond.models.training.evaluation.accuracy import calibration
from emotiond.models.training.evaluation.cached_inference import (
    CONDITIONS,
    CachedInference,
    InferredChange,
    InferredClip,
    InferredStream,
)
from emotiond.models.training.evaluation.changes import change_totals, measure_change
from emotiond.models.training.evaluation.clip_figures import (
    clip_table,
    enrolment_table,
    holding_table,
    window_table,
)
from emotiond.models.training.evaluation.noise_figures import (
    noise_table,
    open_share,
    share_without_voice,
)
from emotiond.models.training.evaluation.replay import decide
from emotiond.models.training.evaluation.stream_figures import measure, spoken_scores, totals
from emotiond.models.training.evaluation.streams import actor_random
from emotiond.models.training.evaluation.tuning import (
    fit_sharpness,
    fit_smoothing,
    fit_temperature,
    hmm_settings,
    threshold_curve,
)
from emotiond.streamer.streams.decider import Decision

T = TypeVar("T")
PROTOCOL = (
    "RAVDESS speech, eight classes, four folds by actor (2,5,14,15,16 / 3,6,7,13,18 / "
    "10,11,12,19,20 / 8,17,21,23,24); every figure comes from the exported .tflite in the "
    "daemon's own pipeline, on actors unseen by the model and its teacher; temperature, voice "
    "threshold and smoothing of a fold come from the other folds. Choices shared by all folds "
    "(layers, loss weights, the share of emotion in a speaker's statistics) were also made on "
    "clips of these actors, by models that had not seen them. The kind of smoothing and the "
    "range of its settings were chosen with the reported streams in sight. The shipped model is "
    "trained on all 20 actors with the same settings."
)
_OTHERS_SHARE = 3
"""After an emotion that lasted, one in this many clips of other emotions is inferred."""


@dataclasses.dataclass(frozen=True)
class Extent:
    """The amount of evaluation data."""

    orders: int
    """Random orders of each actor's clips, for adaptation."""
    streams: int
    """Test streams of each actor."""
    changes: int
    """Changes of emotion inside speech, for each actor."""
    share: int
    """One in this many clips is inferred under noise."""
    held_seconds: float = 60.0
    """Speech with one emotion, which the statistics must not take for the speaker's own."""


@dataclasses.dataclass(frozen=True)
class Fold:
    """A model and the clips of its held-out actors."""

    inference: CachedInference
    clips: list[Clip]

    def actors(self) -> list[list[Clip]]:
        """Return the clips, grouped by actor."""
        names = sorted({clip.speaker for clip in self.clips})
        return [[clip for clip in self.clips if clip.speaker == name] for name in names]


def cold_by_fold(folds: Sequence[Fold]) -> list[float]:
    """Return the accuracy of cold clips in each fold."""
    inferred = [fold.inference.clips(fold.clips) for fold in folds]
    base = folds[0].inference.card
    cards = [_fit_scores(base, _others(inferred, number)) for number in range(len(folds))]
    by_fold: list[float] = clip_table(inferred, cards)["folds"]
    return by_fold


def evaluate(
    folds: Sequence[Fold],
    esc10: Sequence[Clip],
    strangers: Sequence[Clip],
    shipped: Path,
    extent: Extent,
) -> dict[str, Any]:
    """Return all results for the report.

    Args:
        folds: models and their held-out actors.
        esc10: noises that no model was trained on; there may be none.
        strangers: speech of a corpus that no model was trained on; there may be none.
        shipped: path of the model for the noises, with the settings fitted on all folds.
        extent: amount of evaluation data.

    Raises:
        DataError: the card of the first fold names a kind of smoothing that cannot be fitted.
    """
    base = folds[0].inference.card
    hmm_settings(base)  # inference takes hours: refuse before it
    inferred = [fold.inference.clips(fold.clips) for fold in folds]
    streams = [
        [
            fold.inference.stream(actor, seed)
            for seed in range(extent.streams)
            for actor in fold.actors()
        ]
        for fold in folds
    ]
    changes = [
        [
            change
            for actor in fold.actors()
            if len({clip.label for clip in actor}) > 1
            for change in fold.inference.changes(actor, extent.changes, seed=0)
        ]
        for fold in folds
    ]
    # The last one is fitted on all: no fold has its number.
    *cards, final = [
        _fit(base, *(_others(parts, number) for parts in (inferred, streams, changes)))
        for number in progress(range(len(folds) + 1), "smoothing")
    ]
    decided = [
        [(s.stream, _decisions(s, card)) for s in part]
        for part, card in zip(streams, cards, strict=True)
    ]
    figures = [[measure(stream, decisions) for stream, decisions in part] for part in decided]
    scores = [spoken_scores(stream, decisions) for part in decided for stream, decisions in part]
    noises = [load_audio(clip.path) for clip in esc10]
    # A loud voice, if there is one.
    voice = min(folds[0].clips, key=lambda clip: clip.label != "angry")
    results: dict[str, Any] = {
        "protocol": PROTOCOL,
        "notes": [],
        "extent": dataclasses.asdict(extent),
        "cold": clip_table(inferred, cards),
        "windows": window_table(inferred, cards),
        "adapted": clip_table(
            [[h for seed in range(extent.orders) for h in _in_order(fold, seed)] for fold in folds],
            cards,
        ),
        "adapted_sorted": clip_table([_in_order(fold, None) for fold in folds], cards),
        "enrolled": enrolment_table([_enrolled(fold) for fold in folds], inferred, cards),
        "held": holding_table(
            [_after_holding(fold, extent.held_seconds) for fold in folds], inferred, cards
        ),
        "stream": {
            **totals([figure for part in figures for figure in part]),
            "calibration_error": _calibration_error(scores),
            "folds": [totals(part) for part in figures],
        },
        "changes": change_totals(
            [
                measure_change(part.change, decide(part.steps, card))
                for fold, card in zip(changes, cards, strict=True)
                for part in fold
            ]
        ),
        "thresholds": threshold_curve(
            [[(s.stream, s.steps) for s in part] for part in streams],
            cards,
            np.arange(0.0, 1.0, 0.05),
        ),
        "conditions": {
            condition: clip_table(
                [
                    fold.inference.under(condition, _sample(fold.clips, extent.share), noises)
                    for fold in folds
                ],
                cards,
            )
            for condition in CONDITIONS
        },
        "noise": noise_table(CachedInference(shipped), esc10, voice, final),
        "open": {
            **open_share(streams, cards),
            **(_strangers(shipped, strangers, final) if strangers else {}),
        },
        "fitted": Fitted(final.temperature, hmm_settings(final)),
    }
    return results


def _strangers(shipped: Path, strangers: Sequence[Clip], card: Card) -> dict[str, float]:
    inferred = CachedInference(shipped).clips(strangers)
    return {"strangers_without_voice": share_without_voice(inferred, card)}


def _fit_scores(base: Card, clips: Sequence[InferredClip]) -> Card:
    truth = [LABELS.index(str(h.clip.label)) for h in clips]
    temperature = fit_temperature([h.steps for h in clips], truth, base)
    return dataclasses.replace(base, temperature=temperature)


def _fit(
    base: Card,
    clips: Sequence[InferredClip],
    streams: Sequence[InferredStream],
    changes: Sequence[InferredChange],
) -> Card:
    card = _fit_scores(base, clips)
    spoken = [(h.stream, h.steps) for h in streams]
    smoothing = fit_smoothing(spoken, [(h.change, h.steps) for h in changes], card)
    card = dataclasses.replace(card, smoothing=smoothing)
    sharpness = fit_sharpness(spoken, card)
    return dataclasses.replace(card, smoothing=dataclasses.replace(smoothing, sharpness=sharpness))


def _calibration_error(parts: Sequence[tuple[FloatArray, npt.NDArray[np.int64]]]) -> float:
    """Return the calibration error of the published scores on streams."""
    scores, truth = (np.concatenate(column) for column in zip(*parts, strict=True))
    return round(calibration(scores, truth).error, 4)


def _others(parts: Sequence[list[T]], number: int) -> list[T]:
    """Return the items of all other folds."""
    return [item for i, part in enumerate(parts) if i != number for item in part]


def _decisions(inferred: InferredStream, card: Card) -> list[Decision]:
    return decide(inferred.steps, card)


def _sample(clips: Sequence[Clip], share: int) -> list[Clip]:
    """Return one in ``share`` clips, chosen at random, always the same."""
    drawn = np.random.default_rng(0).permutation(len(clips))[: -(-len(clips) // share)]
    return [clips[i] for i in sorted(drawn.tolist())]


def _in_order(fold: Fold, seed: int | None) -> list[InferredClip]:
    """Infer every actor's clips with adaptation: shuffled, or sorted by emotion as a stress."""
    inferred = []
    for clips in fold.actors():
        if seed is None:
            ordered = sorted(clips, key=lambda clip: LABELS.index(str(clip.label)))
        else:
            permutation = actor_random(clips, seed).permutation(len(clips))
            ordered = [clips[i] for i in permutation]
        inferred += fold.inference.adapting(ordered, "sorted" if seed is None else str(seed))
    return inferred


def _enrolled(fold: Fold) -> list[InferredClip]:
    """Infer every actor's clips except the neutral ones, which make the profile."""
    inferred = []
    for clips in fold.actors():
        neutral = [clip for clip in clips if clip.label == "neutral"]
        if not neutral:
            continue
        rest = [clip for clip in clips if clip.label != "neutral"]
        inferred += fold.inference.enrolled(rest, neutral)
    return inferred


def _after_holding(fold: Fold, seconds: float) -> list[tuple[str, InferredClip]]:
    """Infer clips of one actor after each emotion has lasted; return them with that emotion."""
    clips, decided = fold.actors()[0], []
    for label in LABELS:
        held = [clip for clip in clips if clip.label == label]
        others = [clip for clip in clips if clip.label != label][::_OTHERS_SHARE]
        if held:
            inferred = fold.inference.after_holding(held, [*held, *others], seconds)
            decided += [(label, one) for one in inferred]
    return decided
