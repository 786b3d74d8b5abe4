"""The kind ``hmm``: a hidden Markov model of the emotion, then hysteresis on the label."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotiond.dsp.types import FloatArray
from emotiond.inference.smoothing.hysteresis import Hysteresis, HysteresisSettings

_FLOOR = 1e-6
"""Lower limit of a probability, as a fraction of the largest one. A model can be wrong, and a
label with the probability 0 could never return."""


@dataclass(frozen=True)
class HmmSettings(HysteresisSettings):
    """How long emotions last, how windows add up, and how sharp scores are.

    Raises:
        ValueError: a value is out of range.
    """

    persistence_seconds: float
    """Time constant with which the belief from earlier windows decays to a uniform one. Pauses
    count."""
    evidence_seconds: float
    """Speech that leaves the window counts in proportion to its length. This much speech counts
    as one whole window, and more does not count more."""
    sharpness: float
    """Exponent that turns the belief into published scores, so that they are calibrated. The
    model adds up windows as if their errors were independent, which makes the belief too
    certain."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.persistence_seconds > 0 and self.evidence_seconds > 0):
            raise ValueError("smoothing.persistence_seconds and evidence_seconds must be positive")
        if not 0 < self.sharpness <= 1:
            raise ValueError("smoothing.sharpness must lie above 0 and at most at 1")

    def smoother(self) -> HmmSmoother:
        """Make a smoother with these settings for a new stream."""
        return HmmSmoother(self)


class HmmSmoother:
    """Tracks the posterior of the emotion given all windows, the *belief*.

    This is the forward algorithm (Rabiner, *A tutorial on hidden Markov models*, Proc. IEEE
    77(2), 1989). Every emotion changes to any of the eight at the same rate. All emotions are
    equally frequent, so the network's posteriors serve as likelihoods.

    Windows overlap, so the same speech must not count twice. The posteriors of a window replace
    those of the window before. Only the speech that has left the window keeps its influence: the
    prior absorbs the old posteriors to the power of its share.

    The label follows from the belief by :class:`Hysteresis`.
    """

    def __init__(self, settings: HmmSettings) -> None:
        self._settings = settings
        self._decision = Hysteresis(settings)
        self.restart()

    @property
    def label(self) -> int | None:
        """Index of the label; None while none is certain enough."""
        return self._decision.label

    def restart(self) -> None:
        """Forget all windows. The next update is the first of a stream."""
        self._prior: npt.NDArray[np.float64] | None = None
        """Belief without the last window; None before the first window."""
        self._likelihoods = np.empty(0)
        self._speech_seconds = 0.0
        self.end_speech()

    def end_speech(self) -> None:
        """Withdraw scores and label at the end of speech. The belief stays, and decays."""
        self.scores: npt.NDArray[np.float64] | None = None
        """Smoothed posteriors, shape ``(n_labels,)``; None before the first update of a speech."""
        self._decision.restart()

    def update(
        self,
        posteriors: FloatArray,
        voice: float,
        elapsed_seconds: float,
        new_speech_seconds: float,
        speech_seconds: float,
    ) -> None:
        """Update scores and label with the next window. For the arguments, see ``Smoother``."""
        if self._prior is None:
            self._prior = np.full(posteriors.size, 1 / posteriors.size)
        else:
            still_seconds = speech_seconds - new_speech_seconds
            left_seconds = max(0.0, self._speech_seconds - still_seconds)
            self._prior = self._next_prior(self._prior, left_seconds, elapsed_seconds)
        self._likelihoods = _bounded(posteriors.astype(np.float64))
        self._speech_seconds = speech_seconds
        belief = _normalised(self._prior * self._likelihoods)
        self.scores = _normalised(belief**self._settings.sharpness)
        self._decision.update(belief, voice, speech_seconds)

    def _next_prior(
        self, prior: npt.NDArray[np.float64], left_seconds: float, elapsed_seconds: float
    ) -> npt.NDArray[np.float64]:
        """Add the speech that has left the last window to the prior, then let it decay."""
        settings = self._settings
        share = min(1.0, left_seconds / settings.evidence_seconds)
        carried = _normalised(prior * self._likelihoods**share)
        staying = math.exp(-elapsed_seconds / settings.persistence_seconds)
        return _normalised(_bounded(staying * carried + (1 - staying) / carried.size))


def _bounded(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    bounded: npt.NDArray[np.float64] = np.maximum(weights / weights.max(), _FLOOR)
    return bounded


def _normalised(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    normalised: npt.NDArray[np.float64] = weights / weights.sum()
    return normalised
