"""Results as ``analyze`` hands them to a format, made of labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emotiond.inference.card import LABELS
from emotiond.streamer.results.kinds import FORMATS, level_of
from emotiond.streamer.results.writer import Level, Request, Write


def result(
    labels: Sequence[str | None],
    *,
    file: str = "x.wav",
    stride: float = 0.25,
    tail: float = 0.005,
    start: float = 0.0,
    **more: Any,
) -> dict[str, Any]:
    """Return a result with an event for each label; None is silence, ``?`` is uncertain.

    Args:
        labels: one for each stride.
        file: the path.
        stride: seconds from one event to the next.
        tail: seconds after the last event.
        start: where the item begins in the file.
        more: further keys.
    """
    events, before = [], None
    for number, each in enumerate(labels, 1):
        label = None if each == "?" else each
        at = round(start + number * stride, 4)
        scores = None if each is None else scored(label)
        events.append(
            {
                "type": "emotion",
                "end": at,
                "state": "silence" if each is None else "speech" if label else "uncertain",
                "label": label,
                "confidence": None if label is None else scores and scores[label],
                "scores": scores,
                "speech_seconds": 0.0 if each is None else round(0.8 * stride, 4),
            }
        )
        if label != before:
            events.append({"type": "change", "at": at, "from": before, "to": label})
            before = label
    spoken = [label for label in labels if label is not None]
    best = max(set(spoken), key=spoken.count) if spoken else None
    return {
        "file": file,
        "duration": round(len(labels) * stride + tail, 4),
        "label": best,
        "confidence": None if best is None else 0.65,
        "scores": None if best is None else scored(best),
        "shares": None if best is None else {best: 0.5},
        "speech_seconds": round(sum(e.get("speech_seconds", 0.0) for e in events), 4),
        "events": events,
        **more,
    }


def scored(label: str | None) -> dict[str, float]:
    """Return scores in which a label has 0.65, and the others 0.05."""
    return {each: 0.65 if each == label else 0.05 for each in LABELS}


@contextmanager
def writing(
    name: str,
    output: Path | None,
    files: Sequence[str] = ("x.wav",),
    level: Level | None = None,
    **more: Any,
) -> Iterator[Write]:
    """Open a format as the command does."""
    request = Request(level_of(name, level), 0.25, files, output=output, **more)
    with FORMATS[name].open(request) as write:
        yield write
