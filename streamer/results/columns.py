"""The columns of tables: the same in CSV and Parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from emotiond.inference.card import LABELS
from emotiond.streamer.results.rows import Span, extent, segments, strides
from emotiond.streamer.results.writer import Level, Result

Value: TypeAlias = "str | float | int | None"
Row: TypeAlias = "dict[str, Value]"

_SHARES = tuple(f"{label}_share" for label in LABELS)
_SCORES = tuple(f"score_{label}" for label in LABELS)
_SPAN = ("file", "start", "end", "label", "confidence", "speech_seconds", *_SCORES)
_FILE = ("file", "duration", "label", "confidence", *LABELS, *_SHARES)

COLUMNS: Mapping[Level, tuple[str, ...]] = {
    "files": (*_FILE, *(name for name in _SPAN if name not in _FILE), "channel"),
    "segments": (*_SPAN, "state", "channel"),
    "strides": (*_SPAN, "state", "channel"),
}
"""In order. None is renamed nor moved; new ones come last."""

SPANS: Mapping[Level, Callable[[Result], Iterator[Span]]] = {
    "segments": segments,
    "strides": strides,
}


def rows(result: Result, level: Level) -> Iterator[Row]:
    """Yield the rows of an item, each with the columns of the level. None is an empty cell."""
    if level == "files":
        yield _file_row(result)
        return
    for span in SPANS[level](result):
        yield {
            "file": result["file"],
            "start": span.start,
            "end": span.end,
            "label": span.label,
            "confidence": span.confidence,
            "speech_seconds": span.speech_seconds,
            **_scores(span.scores),
            "state": span.state,
            "channel": result.get("channel"),
        }


def _file_row(result: Result) -> Row:
    start, end = extent(result)
    scores, shares = result["scores"], result["shares"]
    return {
        **{name: result[name] for name in ("file", "duration", "label", "confidence")},
        **{label: None if scores is None else scores[label] for label in LABELS},
        **{
            f"{label}_share": None if shares is None else shares.get(label, 0.0) for label in LABELS
        },
        "start": start,
        "end": end,
        "speech_seconds": result["speech_seconds"],
        **_scores(scores),
        "channel": result.get("channel"),
    }


def _scores(scores: Mapping[str, float] | None) -> Row:
    return {f"score_{label}": None if scores is None else scores[label] for label in LABELS}
