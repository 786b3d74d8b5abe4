"""Fit what is set after training: temperature and smoothing, on people who are not reported."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from inference.card import Card
from inference.smoothing import SmoothingSettings
from models.listening import Step, clip_scores, conclude
from models.stream_figures import measure, totals
from models.streams import ActorStream

_TIME_CONSTANTS_SECONDS = (0.0, 0.3, 0.6)
_MARGINS = (0.0, 0.1, 0.2)
_DWELLS_SECONDS = (0.0, 0.25)
_UNCERTAIN_BELOW = (0.0, 0.25, 0.3, 0.35, 0.4)
_MOST_WRONG_CHANGES = 0.95
"""Per 10 s; the limit of 1 with a little room."""
_WORTH_OF_CERTAINTY = 0.35
"""Share of the speech that may go unlabelled for every share of labels that becomes right."""


def fit_temperature(clips: Sequence[Sequence[Step]], truth: Sequence[int], card: Card) -> float:
    """The temperature at which the scores of whole clips give the truth most likelihood."""

    def loss(temperature: float) -> float:
        at = dataclasses.replace(card, temperature=temperature)
        scores = [clip_scores(steps, at) for steps in clips]
        likelihoods = [s[t] for s, t in zip(scores, truth, strict=True) if s is not None]
        return float(-np.mean(np.log(np.maximum(likelihoods, 1e-9))))

    return float(min(np.geomspace(0.25, 2.0, 25), key=loss))


def fit_smoothing(
    streams: Sequence[tuple[ActorStream, Sequence[Step]]], card: Card
) -> SmoothingSettings:
    """The settings with the greatest share right among those that are calm.

    First without any uncertainty; then the threshold below which nothing is said, where a
    label withheld costs less than a wrong one.
    """

    def figures(settings: SmoothingSettings) -> dict[str, float]:
        at = dataclasses.replace(card, smoothing=settings)
        return totals([measure(stream, conclude(steps, at)) for stream, steps in streams])

    candidates = [
        SmoothingSettings(time_constant, margin, dwell, 0.0)
        for time_constant, margin, dwell in itertools.product(
            _TIME_CONSTANTS_SECONDS, _MARGINS, _DWELLS_SECONDS
        )
    ]
    table = {settings: figures(settings) for settings in candidates}
    calm = [
        settings
        for settings, row in table.items()
        if row["wrong_changes_per_10_seconds"] <= _MOST_WRONG_CHANGES
    ]
    best = max(calm or candidates, key=lambda settings: table[settings]["share_right"])
    hesitant = [dataclasses.replace(best, uncertain_below=u) for u in _UNCERTAIN_BELOW]

    def worth(settings: SmoothingSettings) -> float:
        row = figures(settings)
        return row["share_right"] + _WORTH_OF_CERTAINTY * row["right_where_labelled"]

    return max(hesitant, key=worth)


def certainty_curve(
    streams: Sequence[tuple[ActorStream, Sequence[Step]]],
    card: Card,
    thresholds: npt.NDArray[np.float64],
) -> list[dict[str, float]]:
    """Figures for thresholds below which nothing is said."""
    rows = []
    for threshold in thresholds.tolist():
        settings = dataclasses.replace(card.smoothing, uncertain_below=threshold)
        at = dataclasses.replace(card, smoothing=settings)
        row = totals([measure(stream, conclude(steps, at)) for stream, steps in streams])
        rows.append({"uncertain_below": threshold, **row})
    return rows
