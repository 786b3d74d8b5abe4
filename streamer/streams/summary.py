"""Summarizes a whole file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emotiond.inference.card import LABELS
from emotiond.streamer.protocol.events import scores_of
from emotiond.streamer.streams.decider import Decision


@dataclass(frozen=True)
class Summary:
    """The result for a whole file."""

    duration: float
    """Seconds."""
    label: str | None
    """The label with the largest score; None only if there is no speech."""
    confidence: float | None
    """The score of ``label``."""
    scores: dict[str, float] | None
    """Mean of the raw posteriors of all windows, weighted by the seconds of speech in each."""

    def to_json(self) -> dict[str, Any]:
        """Return the summary as in the protocol, rounded to four decimals."""
        return {
            "duration": round(self.duration, 4),
            "label": self.label,
            "confidence": None if self.confidence is None else round(self.confidence, 4),
            "scores": self.scores
            and {name: round(score, 4) for name, score in self.scores.items()},
        }


class Summarizer:
    """Accumulates the decisions of a file."""

    def __init__(self) -> None:
        self._weighted = np.zeros(len(LABELS))
        self._speech_seconds = 0.0

    def add(self, decision: Decision) -> None:
        """Add a decision."""
        if decision.raw is not None:
            self._weighted += decision.speech_seconds * np.array(list(decision.raw.values()))
            self._speech_seconds += decision.speech_seconds

    def summary(self, duration: float) -> Summary:
        """Return the result for a file of this duration, in seconds."""
        if not self._speech_seconds:
            return Summary(duration, None, None, None)
        scores = scores_of(self._weighted / self._speech_seconds)
        label = max(scores, key=lambda name: scores[name])
        return Summary(duration, label, scores[label], scores)
