"""Makes numbered events of the decisions for one stream."""

from __future__ import annotations

from dataclasses import dataclass

from emotiond.inference.card import LABELS, SAMPLE_RATE
from emotiond.streamer.protocol.events import Change, Emotion
from emotiond.streamer.streams.decider import Verdict


@dataclass(frozen=True)
class Timing:
    """The facts about an event that the pipeline does not know."""

    unix_seconds: float
    age_ms: float | None
    dropped_samples: int


class EventBuilder:
    """Makes numbered events from the verdicts of one stream."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self._seq = 0

    def next_seq(self) -> int:
        """Return the next number. Numbers start at 0 and have no gaps."""
        self._seq += 1
        return self._seq - 1

    def build(self, verdict: Verdict, timing: Timing) -> list[Emotion | Change]:
        """Return the events of one verdict, in the order of sending."""
        stride, label = verdict.stride, _name(verdict.label)
        end = stride.end_sample / SAMPLE_RATE
        emotion = Emotion(
            seq=self.next_seq(),
            stream=self.stream,
            start=stride.start_sample / SAMPLE_RATE,
            end=end,
            time=timing.unix_seconds,
            state=verdict.state,
            label=label,
            confidence=verdict.scores[label] if verdict.scores and label else None,
            scores=verdict.scores,
            raw=verdict.raw,
            speech_ratio=0.0 if verdict.state == "silence" else stride.acoustics.speech_ratio,
            level_dbfs=stride.acoustics.level_dbfs,
            age_ms=timing.age_ms,
            dropped_samples=timing.dropped_samples,
        )
        if verdict.held_seconds is None:
            return [emotion]
        former = _name(verdict.former_label)
        return [
            emotion,
            Change(self.next_seq(), self.stream, end, former, label, verdict.held_seconds),
        ]


def _name(label: int | None) -> str | None:
    return None if label is None else LABELS[label]
