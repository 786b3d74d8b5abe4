"""From jumping posteriors to a label that people can follow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotiond.dsp.types import FloatArray

HELD_SHARE = 0.5
"""Hysteresis: a label stays until its certainty falls below this share of the entry threshold."""

_LEAST = 1e-6
"""Of what the largest posterior or belief is, each counts as at least this: windows may be wrong,
and nothing that is ruled out for ever could come back."""


@dataclass(frozen=True)
class SmoothingSettings:
    """How long an emotion is thought to last and how firmly a label holds; fitted with the model.

    Raises:
        ValueError: a value is out of range.
    """

    persistence_seconds: float
    """Of the exponential by which what was heard before fades, in pauses too."""
    evidence_seconds: float
    """So much speech that has left the window goes on telling as much as a whole window does, less
    of it in proportion, more of it no more."""
    margin: float
    """By how much the belief in another label must lead before it takes over."""
    uncertain_below: float
    """Where there is no label, none appears until its certainty, the probability that there is a
    voice and that it sounds so, reaches this. Once there is one, that one or another stays until
    none reaches :data:`HELD_SHARE` of it."""
    settling_seconds: float
    """Of speech in the window, from which on ``uncertain_below`` is enough: when a voice has just
    begun, a label takes full certainty to appear, and evenly less as more is heard."""
    sharpness: float
    """Published scores are beliefs to the power of this, so that they are as high as they are
    right: whoever is misheard is misheard again and again, which belief knows nothing of."""

    def __post_init__(self) -> None:
        if not (self.persistence_seconds > 0 and self.evidence_seconds > 0):
            raise ValueError("smoothing.persistence_seconds and evidence_seconds must be positive")
        if not 0 < self.sharpness <= 1:
            raise ValueError("smoothing.sharpness must lie above 0 and at most at 1")
        if not self.settling_seconds >= 0:
            raise ValueError("smoothing.settling_seconds must not be negative")
        if not (0 <= self.margin <= 1 and 0 <= self.uncertain_below <= 1):
            raise ValueError("smoothing.margin and uncertain_below must lie between 0 and 1")

    def wanted_certainty(self, speech_seconds: float) -> float:
        """What a label takes to appear where so much speech is in the window."""
        if speech_seconds >= self.settling_seconds:
            return self.uncertain_below
        return 1 - (1 - self.uncertain_below) * speech_seconds / self.settling_seconds


class Smoother:
    """A hidden Markov model of the emotion, then hysteresis on the label.

    The forward algorithm (Rabiner, *A tutorial on hidden Markov models*, Proc. IEEE 77(2),
    1989), where an emotion gives way to any of the eight at the same rate and all are equally
    frequent, so that posteriors serve as likelihoods. Windows overlap: speech is judged by the last
    that holds it, which knows most of what surrounds it. So a window's posteriors take the place
    of the former's, but for what has left it: that is carried on to the power of its share.

    Which label it is follows from this belief; whether there is one, from belief times the
    probability of a voice.
    """

    def __init__(self, settings: SmoothingSettings) -> None:
        self._settings = settings
        self.restart()

    def restart(self) -> None:
        """Forget everything: the next update is the first."""
        self._prior: npt.NDArray[np.float64] | None = None
        """Belief before the last window; None before there was any."""
        self._likelihoods = np.empty(0)
        self._speech_seconds = 0.0
        self.end_speech()

    def end_speech(self) -> None:
        """Publish nothing until the next update; what was heard fades, but is not forgotten."""
        self.scores: npt.NDArray[np.float64] | None = None
        """Smoothed posteriors; None before the first update of a speech."""
        self.label: int | None = None
        """Index of the published label; None while uncertain."""

    def update(
        self,
        posteriors: FloatArray,
        voice: float,
        elapsed_seconds: float,
        new_speech_seconds: float,
        speech_seconds: float,
    ) -> None:
        """Take a window's posteriors into account.

        Args:
            posteriors: shape ``(n_labels,)``.
            voice: probability that there is a voice in the window at all.
            elapsed_seconds: audio since the previous update, pauses included.
            new_speech_seconds: speech in the window that no earlier update has told of.
            speech_seconds: all speech in the window.
        """
        if self._prior is None:
            self._prior = np.full(posteriors.size, 1 / posteriors.size)
        else:
            still_seconds = speech_seconds - new_speech_seconds
            left_seconds = max(0.0, self._speech_seconds - still_seconds)
            self._prior = self._carried_on(self._prior, left_seconds, elapsed_seconds)
        self._likelihoods = _bounded(posteriors.astype(np.float64))
        self._speech_seconds = speech_seconds
        belief = _normalised(self._prior * self._likelihoods)
        self.scores = _normalised(belief**self._settings.sharpness)
        self._decide(belief, voice, speech_seconds)

    def _carried_on(
        self, prior: npt.NDArray[np.float64], left_seconds: float, elapsed_seconds: float
    ) -> npt.NDArray[np.float64]:
        """The next prior: what has left the last window joins it, and all of it fades."""
        settings = self._settings
        share = min(1.0, left_seconds / settings.evidence_seconds)
        carried = _normalised(prior * self._likelihoods**share)
        staying = math.exp(-elapsed_seconds / settings.persistence_seconds)
        return _normalised(_bounded(staying * carried + (1 - staying) / carried.size))

    def _decide(self, belief: npt.NDArray[np.float64], voice: float, speech_seconds: float) -> None:
        settings, leader = self._settings, int(belief.argmax())
        certainty = voice * belief[leader]
        if self.label is None:
            if certainty >= settings.wanted_certainty(speech_seconds):
                self.label = leader
        elif certainty < HELD_SHARE * settings.uncertain_below:
            self.label = None
        elif leader != self.label and belief[leader] - belief[self.label] >= settings.margin:
            self.label = leader


def _bounded(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    bounded: npt.NDArray[np.float64] = np.maximum(weights / weights.max(), _LEAST)
    return bounded


def _normalised(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    normalised: npt.NDArray[np.float64] = weights / weights.sum()
    return normalised
