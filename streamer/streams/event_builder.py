"""Makes numbered events of the decisions for one stream."""

from __future__ import annotations

from dataclasses import dataclass

from emotiond.inference.card import LABELS, SAMPLE_RATE
from emotiond.streamer.protocol.events import Change, Emotion
from emotiond.streamer.streams.decider import Decision


@dataclass(frozen=True)
class Timing:
    """The facts about an event that the pipeline does not know."""

    unix_seconds: float
    age_ms: float | None
    dropped_samples: int


class EventBuilder:
    """Makes numbered events from the decisions of one stream.

    Args:
        stream: the name of the stream.
        demo: whether it plays the bundled demo.
    """

    def __init__(self, stream: str, demo: bool = False) -> None:
        self.stream = stream
        self._demo = demo
        self._seq = 0

    def next_seq(self) -> int:
        """Return the next number. Numbers start at 0 and have no gaps."""
        self._seq += 1
        return self._seq - 1

    def build(self, decision: Decision, timing: Timing) -> list[Emotion | Change]:
        """Return the events of one decision, in the order of sending."""
        stride, label = decision.stride, _name(decision.label)
        end = stride.end_sample / SAMPLE_RATE
        emotion = Emotion(
            seq=self.next_seq(),
            stream=self.stream,
            start=stride.start_sample / SAMPLE_RATE,
            end=end,
            time=timing.unix_seconds,
            state=decision.state,
            label=label,
            confidence=decision.scores[label] if decision.scores and label else None,
            scores=decision.scores,
            raw=decision.raw,
            speech_ratio=0.0 if decision.state == "silence" else stride.acoustics.speech_ratio,
            level_dbfs=stride.acoustics.level_dbfs,
            age_ms=timing.age_ms,
            dropped_samples=timing.dropped_samples,
            demo=self._demo,
        )
        if decision.held_seconds is None:
            return [emotion]
        former = _name(decision.former_label)
        change = Change(
            self.next_seq(), self.stream, end, former, label, decision.held_seconds, self._demo
        )
        return [emotion, change]


def _name(label: int | None) -> str | None:
    return None if label is None else LABELS[label]
