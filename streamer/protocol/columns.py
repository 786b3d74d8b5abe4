"""Many ``emotion`` events in one message: a list of values for each field."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from emotiond.inference.card import LABELS
from emotiond.inference.parsing import LARGEST_INTEGER
from emotiond.streamer.protocol.checks import (
    LATEST_TIME,
    LONGEST_SECONDS,
    LOUDEST_DBFS,
    QUIETEST_DBFS,
    MessageError,
    event_of,
)
from emotiond.streamer.protocol.events import STATES, Emotion, to_json

FIELDS = (
    "seq", "start", "end", "time", "state", "label", "scores", "raw", "speech_ratio", "level_dbfs",
    "age_ms", "dropped_samples",
)  # fmt: skip
"""``confidence`` is not among them: it is the score of the label."""

Columns = Mapping[str, Sequence[Any]]

_SCORES = ("scores", "raw")
_RANGES = {
    "start": (0.0, LONGEST_SECONDS),
    "end": (0.0, LONGEST_SECONDS),
    "time": (0.0, LATEST_TIME),
    "speech_ratio": (0.0, 1.0),
    "level_dbfs": (QUIETEST_DBFS, LOUDEST_DBFS),
    "age_ms": (0.0, LONGEST_SECONDS),
    "confidence": (0.0, 1.0),
}
_OPTIONAL = ("age_ms", "confidence")
_NUMBERS = {int, float}
_scores_of = operator.itemgetter(*LABELS)


def columns_of(events: Sequence[Emotion]) -> Columns:
    """Return events by field. Scores are lists, in the order of the labels."""
    objects = [to_json(event) for event in events]
    columns: dict[str, list[Any]] = {name: [each[name] for each in objects] for name in FIELDS}
    for name in _SCORES:
        columns[name] = [scores and [*_scores_of(scores)] for scores in columns[name]]
    return columns


def checked_columns(objects: Sequence[Mapping[str, Any]], stream: str) -> Columns:
    """Return the events of a stream that come from elsewhere. What is no event is left out.

    Args:
        objects: of the type ``emotion``, as they were read.
        stream: the name of the stream.
    """
    try:
        if all(each["stream"] == stream for each in objects):
            return _checked_together(objects)
    except (LookupError, TypeError, ValueError, OverflowError):
        pass  # something is damaged: one by one, it is found what
    return columns_of([event for each in objects if (event := _event(each, stream))])


def _event(values: Mapping[str, Any], stream: str) -> Emotion | None:
    try:
        event = event_of(values)
    except MessageError:
        return None
    return event if isinstance(event, Emotion) and event.stream == stream else None


def _checked_together(objects: Sequence[Mapping[str, Any]]) -> Columns:
    """Return the columns of objects of which each is an event: ten times as fast as one by one.

    Raises:
        LookupError, OverflowError, TypeError, ValueError: one is none.
    """
    known = {name: [each[name] for each in objects] for name in (*FIELDS, "confidence")}
    for name in ("seq", "dropped_samples"):
        numbers = known[name]
        _check(set(map(type, numbers)) <= {int})
        _check(min(numbers, default=0) >= 0 and max(numbers, default=0) <= LARGEST_INTEGER)
    for name in ("demo", "replay"):
        _check({type(each.get(name, False)) for each in objects} <= {bool})
    _check({*known["state"]} <= {*STATES} and {*known["label"]} <= {None, *LABELS})
    has_label = [label is not None for label in known["label"]]
    _check(has_label == [state == "speech" for state in known["state"]])
    _check(has_label == [sure is not None for sure in known["confidence"]])
    columns = {**known}
    for name, (least, most) in _RANGES.items():
        _check(name in _OPTIONAL or None not in known[name])
        columns[name] = _numbers(known[name], least, most)
    _check(all(map(operator.le, known["start"], known["end"])))
    for name in _SCORES:
        columns[name] = _score_lists(known[name])
    return {name: columns[name] for name in FIELDS}


def _numbers(values: Sequence[Any], least: float, most: float) -> list[Any]:
    """Return numbers rounded to four decimals; None stays where a field may have it."""
    present = [value for value in values if value is not None]
    rounded = iter(_rounded(present, least, most).tolist())
    return [None if value is None else next(rounded) for value in values]


def _score_lists(values: Sequence[Any]) -> list[Any]:
    present = [each for each in values if each is not None]
    _check(set(map(type, present)) <= {dict} and set(map(len, present)) <= {len(LABELS)})
    flat = [*itertools.chain.from_iterable(map(_scores_of, present))]
    rounded = iter(_rounded(flat, 0.0, 1.0).reshape(-1, len(LABELS)).tolist())
    return [None if each is None else next(rounded) for each in values]


def _rounded(values: Sequence[Any], least: float, most: float) -> npt.NDArray[np.float64]:
    _check(set(map(type, values)) <= _NUMBERS)
    numbers = np.array(values, np.float64)
    _check(bool(np.all((numbers >= least) & (numbers <= most))))
    return np.round(numbers, 4)


def _check(is_right: bool) -> None:
    if not is_right:
        raise ValueError
