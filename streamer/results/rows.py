"""Spans of a result: its strides, and its segments, which are runs of strides of one label."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from emotiond.streamer.protocol.events import State
from emotiond.streamer.results.writer import Result

_DIGITS = 4  # as in all messages


@dataclass(frozen=True)
class Span:
    """A part of a recording, with what was published for it."""

    start: float
    """Second of the recording."""
    end: float
    """Second of the recording; later than ``start``."""
    label: str | None
    """None where no label was published."""
    state: State
    """``speech`` where there is a label; otherwise why there is none."""
    confidence: float | None
    """The score of ``label``."""
    speech_seconds: float
    """Seconds of speech in the span, pauses between words left out."""
    scores: dict[str, float] | None
    """Mean of the smoothed posteriors; None in ``warmup`` and ``silence``."""


def extent(result: Result) -> tuple[float, float]:
    """Return the seconds of the file at which an item starts and ends."""
    start = result.get("start", 0.0)
    return start, round(start + result["duration"], _DIGITS)


def strides(result: Result) -> Iterator[Span]:
    """Yield a span for each stride of an item. Together they cover it, without gaps or overlaps.

    A stride begins where the one before it ends. The last one lasts until the end of the sound,
    which is less than a frame later. A sound of no length has no spans.
    """
    start, end = extent(result)
    waiting: Span | None = None
    for event in result["events"]:
        if event["type"] != "emotion":
            continue
        begin, stop, speech = start, min(event["end"], end), event["speech_seconds"]
        if waiting is not None and waiting.start < waiting.end < stop:
            yield waiting
            begin = waiting.end
        elif waiting is not None:  # no new frame: the end of the sound may end the warm-up
            stop, speech = max(stop, waiting.end), waiting.speech_seconds + speech
            begin = waiting.start
        waiting = Span(
            start=begin,
            end=stop,
            label=event["label"],
            state=event["state"],
            confidence=event["confidence"],
            speech_seconds=round(speech, _DIGITS),
            scores=event["scores"],
        )
    if waiting is None:
        waiting = Span(start, end, None, "warmup", None, 0.0, None)
    if waiting.start < end:
        yield replace(waiting, end=end)


def segments(result: Result) -> Iterator[Span]:
    """Yield a span for each run of strides of one label, or without one for one reason.

    They cover the item as :func:`strides` do.
    """
    runs = itertools.groupby(strides(result), key=lambda span: (span.label, span.state))
    return (_joined([*run]) for _, run in runs)


def _joined(run: Sequence[Span]) -> Span:
    first = run[0]
    scores = _mean(run)
    return Span(
        start=first.start,
        end=run[-1].end,
        label=first.label,
        state=first.state,
        confidence=None if scores is None or first.label is None else scores[first.label],
        speech_seconds=round(sum(span.speech_seconds for span in run), _DIGITS),
        scores=scores,
    )


def _mean(run: Iterable[Span]) -> dict[str, float] | None:
    """Return the mean of the scores by time."""
    sums: dict[str, float] = {}
    seconds = 0.0
    for span in run:
        if span.scores is None:
            continue
        seconds += span.end - span.start
        for label, score in span.scores.items():
            sums[label] = sums.get(label, 0.0) + score * (span.end - span.start)
    return {label: round(total / seconds, _DIGITS) for label, total in sums.items()} or None
