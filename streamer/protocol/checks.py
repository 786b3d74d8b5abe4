"""Checks an event that came from elsewhere, field by field: nothing of it is believed."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from emotiond.inference.card import LABELS
from emotiond.inference.parsing import build
from emotiond.streamer.protocol.events import Change, Emotion, Event, Status
from emotiond.streamer.protocol.names import problem_of

E = TypeVar("E", Emotion, Change, Status)

LONGEST_DETAIL = 300  # characters of a status, for people
LONGEST_SECONDS = 1e9
LATEST_TIME = 1e11  # Unix time
_LONGEST_DEVICE = 100
QUIETEST_DBFS, LOUDEST_DBFS = -120.0, 60.0


class MessageError(ValueError):
    """What came is no message of a daemon."""


def decoded(text: str | bytes) -> Mapping[str, Any]:
    """Return the JSON object of a message.

    Raises:
        MessageError: it is none, or has no type.
    """
    try:
        values = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict) or not isinstance(values.get("type"), str):
        raise MessageError("it is no object with a type")
    return values


def event_of(values: Mapping[str, Any]) -> Event | None:
    """Return an event; None for a message of another type.

    Raises:
        MessageError: it has not the form that the protocol describes. Further fields are ignored.
    """
    try:
        return _event(values)
    except MessageError:
        raise
    except (ValueError, TypeError, OverflowError) as error:  # JSON has numbers of any size
        raise MessageError(str(error)) from None


def is_stream_name(name: object) -> bool:
    """Return whether a stream can be shown under this name."""
    return isinstance(name, str) and name.strip() != "" and problem_of(name) is None


def check_ranges(*numbers: float) -> None:
    """Check seconds, or the like.

    Raises:
        MessageError: one is out of range.
    """
    for number in numbers:
        check(0 <= number <= LONGEST_SECONDS, "a number is out of range")


def check(is_right: bool, problem: str) -> None:
    """Raise :class:`MessageError` with the problem unless all is right."""
    if not is_right:
        raise MessageError(problem)


def _event(values: Mapping[str, Any]) -> Event | None:
    match values["type"]:
        case "emotion":
            return _emotion(values)
        case "change":
            renamed = {"from": "from_label", "to": "to_label"}
            change = _built(Change, {renamed.get(k, k): v for k, v in values.items()})
            check_ranges(change.at, change.held_seconds)
            for label in (change.from_label, change.to_label):
                check(label is None or label in LABELS, "it has an unknown label")
            return change
        case "status":
            status = _built(Status, values)
            latency_ms = status.device_latency_ms
            check_ranges(0.0 if latency_ms is None else latency_ms)
            device = None if status.device is None else status.device[:_LONGEST_DEVICE]
            return dataclasses.replace(status, detail=status.detail[:LONGEST_DETAIL], device=device)
    return None


def _emotion(values: Mapping[str, Any]) -> Emotion:
    event = _built(Emotion, values)
    check_ranges(event.start, event.end, event.age_ms or 0.0)
    check(event.start <= event.end, "it begins after its end")
    check(0 <= event.time <= LATEST_TIME, "its time is out of range")
    check(QUIETEST_DBFS <= event.level_dbfs <= LOUDEST_DBFS, "its level is out of range")
    _check_share(event.speech_ratio)
    check(event.dropped_samples >= 0, "it has lost less than nothing")
    has_label = event.label is not None
    check(not has_label or event.label in LABELS, "it has an unknown label")
    check(has_label == (event.state == "speech"), "it has a label without speech")
    check(has_label == (event.confidence is not None), "it is sure of no label")
    _check_share(event.confidence or 0.0)
    for scores in (event.scores, event.raw):
        if scores is not None:
            check(scores.keys() == set(LABELS), "it has other scores")
            for score in scores.values():
                _check_share(score)
    return event


def _built(cls: type[E], values: Mapping[str, Any]) -> E:
    """Make an event of the fields that it knows."""
    known = {field.name for field in dataclasses.fields(cls)}
    event = build(cls, {key: value for key, value in values.items() if key in known})
    check(event.seq >= 0, "it counts from less than nothing")
    check(is_stream_name(event.stream), "its stream has no name")
    return event


def _check_share(value: object) -> None:
    is_number = type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
    check(is_number and 0 <= value <= 1, "a share is out of range")  # type: ignore[operator]
