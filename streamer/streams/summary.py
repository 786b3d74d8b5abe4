"""Summarizes a whole file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from emotiond.dsp.frontend import Window
from emotiond.dsp.types import FloatArray
from emotiond.inference.card import LABELS, SAMPLE_RATE
from emotiond.streamer.protocol.events import scores_of
from emotiond.streamer.streams.decider import Decision

_FEWEST_SECONDS = 2.0
_LEAST_SHARE = 0.2  # of the time with a label
"""A label that lasts so long is one of the emotions of a file."""
_MAJORITY = 0.5
"""Of the time with a label. Where no label has it, the file holds more than one emotion. The page
has the same rule, in ``clients/web/state/verdict.js``."""


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
    """Mean of the raw posteriors over the speech, see :class:`SpeechMean`."""
    shares: dict[str, float] | None
    """Shares of the duration in which each label was published, the largest first, without labels
    that never were. None only if there is no speech."""

    @property
    def is_mixed(self) -> bool:
        """Whether the file holds more than one emotion, so that an average would mean little."""
        return is_mixed(self.duration, self.shares)

    def to_json(self) -> dict[str, Any]:
        """Return the summary as in the protocol, rounded to four decimals."""
        return {
            "duration": round(self.duration, 4),
            "label": self.label,
            "confidence": None if self.confidence is None else round(self.confidence, 4),
            "scores": self.scores
            and {name: round(score, 4) for name, score in self.scores.items()},
            "shares": None
            if self.shares is None
            else {name: round(share, 4) for name, share in self.shares.items()},
        }


def is_mixed(duration: float, shares: Mapping[str, float] | None) -> bool:
    """Return whether a result holds more than one emotion. See :class:`Summary`."""
    shares = shares or {}
    labelled = sum(shares.values())
    lasting = [
        share
        for share in shares.values()
        if share * duration >= _FEWEST_SECONDS and share >= _LEAST_SHARE * labelled
    ]
    others = labelled - max(shares.values(), default=0.0)
    has_majority = others <= (1 - _MAJORITY) * labelled
    return len(lasting) > 1 or (not has_majority and others * duration >= _FEWEST_SECONDS)


class SpeechMean:
    """The mean of posteriors over speech, in which each part of the speech counts once.

    Windows overlap. A part counts in the last window that holds it, which has the most context for
    it. So an utterance shorter than a window counts as the window at its end.
    """

    def __init__(self) -> None:
        self._weighted = np.zeros(len(LABELS))
        self._frames = 0.0
        self._last: tuple[Window, FloatArray] | None = None

    def add(self, window: Window, posteriors: FloatArray) -> None:
        """Add the next window that holds a voice; posteriors of shape ``(8,)``."""
        self._settle(window)
        self._last = window, posteriors

    def result(self) -> FloatArray | None:
        """Return the mean over all windows, shape ``(8,)``; None without speech."""
        self._settle(None)
        self._last = None
        return self._weighted / self._frames if self._frames else None

    def _settle(self, following: Window | None) -> None:
        """Count what the last window holds and the following one does not."""
        if self._last is None:
            return
        window, posteriors = self._last
        left_share = 1.0
        if following is not None and following.speech == window.speech:
            following_first = following.end_frame - following.frames
            left_share -= max(0, window.end_frame - following_first) / window.frames
        weight = max(0.0, left_share) * window.active_frames
        self._weighted += weight * posteriors
        self._frames += weight


class Summarizer:
    """Accumulates the decisions of a file."""

    def __init__(self) -> None:
        self._mean = SpeechMean()
        self._end = 0  # of the last stride, in samples
        self._held: dict[int, int] = {}  # samples for which each label was published

    def add(self, decision: Decision) -> None:
        """Add a decision."""
        end = decision.stride.end_sample
        if decision.label is not None:
            self._held[decision.label] = self._held.get(decision.label, 0) + end - self._end
        self._end = end
        window = decision.stride.acoustics.window
        if window is not None and decision.raw is not None and decision.speech_seconds:
            self._mean.add(window, np.array(list(decision.raw.values())))

    def summary(self, duration: float) -> Summary:
        """Return the result for a file of this duration, in seconds."""
        mean = self._mean.result()
        if mean is None:
            return Summary(duration, None, None, None, None)
        scores = scores_of(mean)
        label = max(scores, key=lambda name: scores[name])
        held = sorted(self._held.items(), key=lambda item: (-item[1], item[0]))
        shares = {LABELS[each]: samples / SAMPLE_RATE / duration for each, samples in held}
        return Summary(duration, label, scores[label], scores, shares)
