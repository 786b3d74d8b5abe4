"""Fits settings after training: temperature, smoothing, sharpness of the scores.

They are fitted on other actors than those that are reported.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import DataError
from emotiond.inference.card import Card
from emotiond.inference.smoothing.hmm_smoother import HmmSettings
from emotiond.models.training.common.cards import UNFITTED
from emotiond.models.training.evaluation.changes import Change, change_totals, measure_change
from emotiond.models.training.evaluation.replay import (
    Step,
    clip_scores,
    decide,
    decide_tempered,
    retempered,
    tempered,
)
from emotiond.models.training.evaluation.stream_figures import measure, spoken_scores, totals
from emotiond.models.training.evaluation.streams import ActorStream

T = TypeVar("T")

_CHOICES: Mapping[str, Sequence[float]] = {
    "persistence_seconds": (1.7, 2.5, 3.5, 5.0, 7.0, 10.0, 20.0),
    "evidence_seconds": (0.5, 0.7, 1.0, 1.4, 2.0, 4.0),
    "margin": (0.1, 0.2, 0.3),
    "uncertain_below": (0.4, 0.45, 0.5, 0.55, 0.6, 0.65),
    "settling_seconds": (0.0, 0.4, 0.8, 1.2, 1.6),
}
"""Choices for each setting of the smoothing. With a greater margin, a label could stand beside
scores that contradict it."""
_DRAWS = 100
"""Number of random settings. The search starts from the best and ends where no single change helps;
from a poor start, that may be far from the best."""
_DRAWS_SHARE = 0.2
"""Share of the streams for the comparison of the random settings."""
_ROUNDS = 2
_MOST_WRONG_CHANGES = 0.95
"""Per 10 s; the goal is 1 on unseen speakers."""
_LONGEST_DELAY_SECONDS = 1.45
"""Median time from a block's first speech to its first right label; the goal is 1.5 s."""
_CHANGES_SHARE = 0.25
"""Weight of the speech after a change of emotion, beside the share right on streams."""
_PRICE = 1.0
"""Penalty in share right for one more wrong change per 10 s, or one more second of delay: labels
that flicker or lag are not useful."""


def fit_temperature(clips: Sequence[Sequence[Step]], truth: Sequence[int], card: Card) -> float:
    """Return the temperature that maximises the likelihood of the truth over whole clips."""

    def loss(temperature: float) -> float:
        at = dataclasses.replace(card, temperature=temperature)
        rows = [(clip_scores(steps, at), t) for steps, t in zip(clips, truth, strict=True)]
        known = [(scores, t) for scores, t in rows if scores is not None]
        return _negative_log_likelihood(
            np.stack([s for s, _ in known]), np.array([t for _, t in known])
        )

    return float(min(np.geomspace(0.25, 2.0, 25), key=loss))


def hmm_settings(card: Card) -> HmmSettings:
    """Return the settings of the card's smoother, which must be of the kind that fitting knows.

    Raises:
        DataError: the card names another kind.
    """
    if not isinstance(card.smoothing, HmmSettings):
        raise DataError(
            f"the card of {card.name!r} names another kind of smoothing than hmm, which alone can "
            "be fitted",
            "Evaluate a model that emotiond.models.training.train wrote",
        )
    return card.smoothing


def fit_smoothing(
    streams: Sequence[tuple[ActorStream, Sequence[Step]]],
    changes: Sequence[tuple[Change, Sequence[Step]]],
    card: Card,
) -> HmmSettings:
    """Return the settings with the greatest share right, minus penalties for changes and delay.

    Speech in the two seconds after a change of emotion inside speech counts, too.

    The search starts from the best of some random settings. In each of some rounds it optimises one
    setting after the other while the others stay fixed.

    Raises:
        DataError: the card names another kind of smoothing.
    """
    hmm_settings(card)
    every = _Trial(
        [(stream, tempered(steps, card.temperature)) for stream, steps in streams],
        [(change, tempered(steps, card.temperature)) for change, steps in changes],
    )
    random = np.random.default_rng(0)
    sample = every.sample(random)

    def possible(settings: Iterable[HmmSettings]) -> list[HmmSettings]:
        return [s for s in settings if s.settling_seconds <= card.window_seconds]

    @functools.cache
    def worth(settings: HmmSettings) -> float:
        return every.worth(dataclasses.replace(card, smoothing=settings))

    starts = possible([UNFITTED.smoothing, *(_draw(random) for _ in range(_DRAWS))])
    best = max(starts, key=lambda s: sample.worth(dataclasses.replace(card, smoothing=s)))
    for name in [*_CHOICES] * _ROUNDS:
        choices = (dataclasses.replace(best, **{name: value}) for value in _CHOICES[name])
        best = max((best, *possible(choices)), key=worth)
    return best


def _draw(random: np.random.Generator) -> HmmSettings:
    values = {name: float(random.choice(choices)) for name, choices in _CHOICES.items()}
    return dataclasses.replace(UNFITTED.smoothing, **values)


@dataclass(frozen=True)
class _Trial:
    """What settings of the smoothing are tried on; the predictions have the card's temperature."""

    streams: Sequence[tuple[ActorStream, Sequence[Step]]]
    changes: Sequence[tuple[Change, Sequence[Step]]]

    def sample(self, random: np.random.Generator) -> _Trial:
        """Return a part, chosen at random."""
        return _Trial(_some(self.streams, random), _some(self.changes, random))

    def worth(self, card: Card) -> float:
        """Rate the card's smoothing."""
        streams = [measure(stream, decide_tempered(steps, card)) for stream, steps in self.streams]
        row = totals(streams)
        too_many = max(0.0, row["wrong_changes_per_10_seconds"] - _MOST_WRONG_CHANGES)
        too_late = max(0.0, row["median_delay_seconds"] - _LONGEST_DELAY_SECONDS)
        right = row["share_right"]
        if self.changes:
            after = change_totals(
                [measure_change(c, decide_tempered(steps, card)) for c, steps in self.changes]
            )
            right = (1 - _CHANGES_SHARE) * right + _CHANGES_SHARE * after["new_label_share"]
        return right - _PRICE * (too_many + too_late)


def _some(parts: Sequence[T], random: np.random.Generator) -> list[T]:
    chosen = random.permutation(len(parts))[: math.ceil(_DRAWS_SHARE * len(parts))]
    return [parts[i] for i in chosen.tolist()]


def fit_sharpness(streams: Sequence[tuple[ActorStream, Sequence[Step]]], card: Card) -> float:
    """Return the sharpness that maximises the likelihood of the truth in published scores."""
    sharp = dataclasses.replace(hmm_settings(card), sharpness=1.0)
    at = dataclasses.replace(card, smoothing=sharp)
    parts = [spoken_scores(stream, decide(steps, at)) for stream, steps in streams]
    scores = np.concatenate([scores for scores, _ in parts])
    truth = np.concatenate([labels for _, labels in parts])

    def loss(sharpness: float) -> float:
        return _negative_log_likelihood(retempered(scores, 1 / sharpness), truth)

    return round(float(min(np.arange(0.2, 1.01, 0.05), key=loss)), 2)


def _negative_log_likelihood(scores: FloatArray, truth: npt.NDArray[np.int64]) -> float:
    """Return the mean negative log likelihood of the truth."""
    likelihoods = scores[np.arange(truth.size), truth]
    return float(-np.mean(np.log(np.maximum(likelihoods, 1e-9))))


def threshold_curve(
    folds: Sequence[Sequence[tuple[ActorStream, Sequence[Step]]]],
    cards: Sequence[Card],
    thresholds: npt.NDArray[np.float64],
) -> list[dict[str, float]]:
    """Return figures of all folds, each with its card, for values of ``uncertain_below``."""
    parts = [
        (stream, tempered(steps, card.temperature), card)
        for streams, card in zip(folds, cards, strict=True)
        for stream, steps in streams
    ]
    rows = []
    for threshold in thresholds.tolist():
        figures = []
        for stream, steps, card in parts:
            settings = dataclasses.replace(hmm_settings(card), uncertain_below=threshold)
            at = dataclasses.replace(card, smoothing=settings)
            figures.append(measure(stream, decide_tempered(steps, at)))
        rows.append({"uncertain_below": threshold, **totals(figures)})
    return rows
