"""Checks a result that was kept: the file may be damaged, or come from anywhere.

A table is opened in a spreadsheet, where a text in the place of a label would be a formula.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from emotiond.inference.card import LABELS
from emotiond.inference.parsing import LARGEST_INTEGER
from emotiond.streamer.batch.analyst import Finding
from emotiond.streamer.batch.kept_events import KeptEvents
from emotiond.streamer.protocol.checks import (
    LATEST_TIME,
    LONGEST_SECONDS,
    LOUDEST_DBFS,
    QUIETEST_DBFS,
)
from emotiond.streamer.protocol.events import STATES

MOST_RESULT_BYTES = 2**16
"""Of a result in JSON, without its events; ours have less than one KB."""

Check = Callable[[Any], bool]


def checked(result: object, events: object) -> Finding | None:
    """Return what was kept; None unless all of it has the form that emotiond gives it.

    Args:
        result: the JSON of :attr:`Finding.values`, in UTF-8.
        events: :attr:`Finding.events`.
    """
    if not isinstance(result, bytes) or not isinstance(events, bytes):
        return None
    if len(result) > MOST_RESULT_BYTES:
        return None
    try:
        values: object = json.loads(result.decode())
        if _is_result(values) and all(map(_is_event, KeptEvents(events, ""))):
            return Finding(values, events)  # type: ignore[arg-type]
    except (ValueError, RecursionError):
        pass
    return None


def _number(least: float, most: float) -> Check:
    return lambda value: type(value) in (int, float) and least <= value <= most


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


_seconds = _number(0, LONGEST_SECONDS)
_share = _number(0, 1)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST_INTEGER


def _is_label(value: Any) -> bool:
    return value is None or (type(value) is str and value in LABELS)


def _is_shares(value: Any) -> bool:
    return type(value) is dict and value.keys() <= _LABELS and all(map(_share, value.values()))


def _is_scores(value: Any) -> bool:
    return _is_shares(value) and len(value) == len(LABELS)


_LABELS = frozenset(LABELS)
_RESULT: Mapping[str, Check] = MappingProxyType(
    {
        "duration": _seconds,
        "label": _is_label,
        "confidence": _or_none(_share),
        "scores": _or_none(_is_scores),
        "shares": _or_none(_is_shares),
        "speech_seconds": _seconds,
    }
)
_OF_SEGMENT: Mapping[str, Check] = MappingProxyType({"start": _seconds, "end": _seconds})
_OF_CHANNEL: Mapping[str, Check] = MappingProxyType(
    {"channel": lambda value: _is_count(value) and value > 0}
)
_EMOTION: Mapping[str, Check] = MappingProxyType(
    {
        "type": lambda value: value == "emotion",
        "seq": _is_count,
        "stream": lambda value: value == "",  # that of the file takes its place
        "start": _seconds,
        "end": _seconds,
        "time": _number(0, LATEST_TIME),
        "state": lambda value: value in STATES,
        "label": _is_label,
        "confidence": _or_none(_share),
        "scores": _or_none(_is_scores),
        "raw": _or_none(_is_scores),
        "speech_ratio": _share,
        "level_dbfs": _number(QUIETEST_DBFS, LOUDEST_DBFS),
        "age_ms": _or_none(_number(0, LONGEST_SECONDS)),
        "dropped_samples": _is_count,
        "speech_seconds": _seconds,
    }
)
_CHANGE: Mapping[str, Check] = MappingProxyType(
    {
        "type": lambda value: value == "change",
        "seq": _is_count,
        "stream": lambda value: value == "",
        "at": _seconds,
        "from": _is_label,
        "to": _is_label,
        "held_seconds": _seconds,
    }
)


def _is_result(values: object) -> bool:
    if type(values) is not dict:
        return False
    form = {**_RESULT}
    if "start" in values:
        form |= _OF_SEGMENT
    if "channel" in values:
        form |= _OF_CHANNEL
    return _has_form(values, form) and _is_sure_of_its_label(values)


def _is_event(values: Mapping[str, Any]) -> bool:
    if "at" in values:
        return _has_form(values, _CHANGE)
    return _has_form(values, _EMOTION) and _is_sure_of_its_label(values)


def _has_form(values: Mapping[str, Any], form: Mapping[str, Check]) -> bool:
    return values.keys() == form.keys() and all(form[key](values[key]) for key in form)


def _is_sure_of_its_label(values: Mapping[str, Any]) -> bool:
    return (values["label"] is None) == (values["confidence"] is None)
