"""Computes tables over whole clips and single windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from emotiond.dsp.types import FloatArray
from emotiond.inference.card import LABELS, SAMPLE_RATE, Card
from emotiond.models.training.evaluation.accuracy import Calibration, accuracy, calibration, summary
from emotiond.models.training.evaluation.cached_inference import InferredClip
from emotiond.models.training.evaluation.replay import Step, clip_scores, retempered

_NOT_FOUND = -1
_WINDOW_SECONDS = (0.5, 1.0, 2.0)


def clip_table(inferred: Sequence[Sequence[InferredClip]], cards: Sequence[Card]) -> dict[str, Any]:
    """Return accuracy and calibration over the clips of all folds, each with its fold's card."""
    rows = [
        (part.clip, clip_scores(part.steps, card))
        for fold, card in zip(inferred, cards, strict=True)
        for part in fold
    ]
    if not rows:
        return {"accuracy": None, "folds": []}
    clips = [clip for clip, _ in rows]
    truth = np.array([LABELS.index(str(clip.label)) for clip in clips])
    found = np.array([_NOT_FOUND if s is None else int(s.argmax()) for _, s in rows])
    known = np.flatnonzero(found != _NOT_FOUND)
    scores = np.stack([s for _, s in rows if s is not None])
    sexes = {
        sex: np.array([clip.female is is_female for clip in clips])
        for sex, is_female in (("female", True), ("male", False))
    }
    curve = calibration(scores, truth[known])
    folds = np.array([clip.fold for clip in clips])
    return {
        **summary(truth, found, [clip.speaker for clip in clips]),
        "folds": [
            round(accuracy(truth[folds == k], found[folds == k]), 4) for k in np.unique(folds)
        ],
        "by_sex": {
            sex: round(accuracy(truth[rows], found[rows]), 4)
            for sex, rows in sexes.items()
            if rows.any()
        },
        "calibration_error": round(curve.error, 4),
        "calibration": _points(curve),
    }


def window_table(
    inferred: Sequence[Sequence[InferredClip]], cards: Sequence[Card]
) -> dict[str, float]:
    """Return the accuracy of the last causal window up to each length; no window is wrong."""
    right: dict[float, list[bool]] = {seconds: [] for seconds in _WINDOW_SECONDS}
    for fold, card in zip(inferred, cards, strict=True):
        for part in fold:
            truth = LABELS.index(str(part.clip.label))
            for seconds in _WINDOW_SECONDS:
                scores = _window_scores(part.steps, card, seconds)
                right[seconds].append(scores is not None and int(scores.argmax()) == truth)
    return {f"{seconds:g} s": round(float(np.mean(hits)), 4) for seconds, hits in right.items()}


def enrolment_table(
    enrolled: Sequence[Sequence[InferredClip]],
    cold: Sequence[Sequence[InferredClip]],
    cards: Sequence[Card],
) -> dict[str, Any]:
    """Return the tables of all clips but neutral ones, with the actor's profile and without."""
    paths = {part.clip.path for fold in enrolled for part in fold}
    rest = [[part for part in fold if part.clip.path in paths] for fold in cold]
    return {"enrolled": clip_table(enrolled, cards), "cold": clip_table(rest, cards)}


def holding_table(
    after: Sequence[Sequence[tuple[str, InferredClip]]],
    cold: Sequence[Sequence[InferredClip]],
    cards: Sequence[Card],
) -> dict[str, dict[str, float]]:
    """Return the accuracy before and after one emotion has lasted, for it and for others.

    Args:
        after: clips, each with the emotion that lasted before it.
        cold: all clips from a cold start.
        cards: cards of the folds.
    """
    right: dict[str, list[tuple[bool, bool]]] = {"the same emotion": [], "others": []}
    for pairs, fold, card in zip(after, cold, cards, strict=True):
        before = {part.clip.path: part for part in fold}
        for held, part in pairs:
            kind = "the same emotion" if part.clip.label == held else "others"
            right[kind].append((_is_right(before[part.clip.path], card), _is_right(part, card)))
    return {
        kind: dict(zip(("before", "after"), np.mean(pairs, axis=0).round(4).tolist(), strict=True))
        for kind, pairs in right.items()
        if pairs
    }


def _is_right(part: InferredClip, card: Card) -> bool:
    scores = clip_scores(part.steps, card)
    return scores is not None and LABELS[int(scores.argmax())] == part.clip.label


def _window_scores(steps: Sequence[Step], card: Card, seconds: float) -> FloatArray | None:
    """Return the scores of the last window of the first speech that is not too long.

    Returns None if there is none, as when speech began long before the warm-up ended.
    """
    scores, longest = None, 0
    for step in steps:
        window, prediction = step.stride.acoustics.window, step.prediction
        if window is None or prediction is None or prediction.voice < card.voice_threshold:
            continue
        if window.frames < longest:
            break
        longest = window.frames
        if window.frames * card.recipe.hop_length <= seconds * SAMPLE_RATE:
            scores = retempered(prediction.posteriors, card.temperature)
    return scores


def _points(curve: Calibration) -> list[dict[str, float]]:
    rows = zip(curve.confidence, curve.accuracy, curve.share, strict=True)
    return [
        {
            "confidence": round(float(c), 4),
            "accuracy": round(float(a), 4),
            "share": round(float(s), 4),
        }
        for c, a, s in rows
        if s > 0
    ]
