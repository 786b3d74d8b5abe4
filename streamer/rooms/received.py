"""Checks each message of another daemon on arrival: nothing of it is believed."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from emotiond.inference.card import LABELS
from emotiond.inference.parsing import build
from emotiond.streamer.daemon_names import cleaned
from emotiond.streamer.protocol.events import PROTOCOL, Change, Emotion, Event, Status
from emotiond.streamer.protocol.names import problem_of

E = TypeVar("E", Emotion, Change, Status)

MOST_STREAMS = 8
"""Of one daemon; further ones are left out."""
LONGEST_DETAIL = 300  # characters of a status, for people
_LONGEST_DEVICE = 100
_LONGEST_TEXT = 64
_LONGEST_SECONDS = 1e9
_LATEST_TIME = 1e11  # Unix time
_LOUDEST_DBFS = 60.0
_LONGEST_STRIDE_SECONDS = 10.0


class MessageError(ValueError):
    """What came is no message of a daemon."""


class OtherProtocolError(MessageError):
    """The other daemon speaks another version of the protocol."""


@dataclass(frozen=True)
class Hello:
    """What counts of the other daemon's ``hello``."""

    name: str | None
    """Cleaned; None for a daemon of a version that has none."""
    instance: str
    """Another one after each start; empty for a version that does not say it."""
    stride_seconds: float
    streams: Sequence[str]
    """The names of its public streams, as far as they are names."""
    last: Event | None


def parse(text: str | bytes) -> Hello | Event | None:
    """Return a message; None for one of a type that is not shown.

    Raises:
        MessageError: it has not the form that the protocol describes. Further fields are ignored.
    """
    try:
        values = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict) or not isinstance(values.get("type"), str):
        raise MessageError("it is no object with a type")
    try:
        return _parse(values)
    except MessageError:
        raise
    except (ValueError, TypeError, OverflowError) as error:  # JSON has numbers of any size
        raise MessageError(str(error)) from None


def is_stream_name(name: object) -> bool:
    """Return whether a stream can be shown under this name."""
    return isinstance(name, str) and name.strip() != "" and problem_of(name) is None


def _parse(values: Mapping[str, Any]) -> Hello | Event | None:
    match values["type"]:
        case "hello":
            return _hello(values)
        case "emotion":
            return _emotion(values)
        case "change":
            renamed = {"from": "from_label", "to": "to_label"}
            change = _built(Change, {renamed.get(k, k): v for k, v in values.items()})
            _check_ranges(change.at, change.held_seconds)
            for label in (change.from_label, change.to_label):
                _check(label is None or label in LABELS, "it has an unknown label")
            return change
        case "status":
            status = _built(Status, values)
            latency_ms = status.device_latency_ms
            _check_ranges(0.0 if latency_ms is None else latency_ms)
            device = None if status.device is None else status.device[:_LONGEST_DEVICE]
            return dataclasses.replace(status, detail=status.detail[:LONGEST_DETAIL], device=device)
    return None


def _hello(values: Mapping[str, Any]) -> Hello:
    if values.get("protocol") != PROTOCOL or isinstance(values["protocol"], bool):
        raise OtherProtocolError("it speaks another version of the protocol")
    stride, streams = values.get("stride_seconds"), values.get("streams")
    name, instance = values.get("name"), values.get("instance")
    _check(type(stride) in (int, float), "its stride is no number")
    _check(0 < float(stride or 0) <= _LONGEST_STRIDE_SECONDS, "its stride is out of range")
    if not isinstance(streams, list):
        raise MessageError("it has no list of streams")
    last = values.get("last")
    return Hello(
        cleaned(name[:_LONGEST_TEXT]) if isinstance(name, str) and name else None,
        instance[:_LONGEST_TEXT] if isinstance(instance, str) else "",
        float(stride or 0),
        [each for each in streams if is_stream_name(each)][:MOST_STREAMS],
        _emotion(last) if isinstance(last, dict) else None,
    )


def _emotion(values: Mapping[str, Any]) -> Emotion:
    event = _built(Emotion, values)
    _check_ranges(event.start, event.end, event.age_ms or 0.0)
    _check(0 <= event.time <= _LATEST_TIME, "its time is out of range")
    _check(-120 <= event.level_dbfs <= _LOUDEST_DBFS, "its level is out of range")
    _check_share(event.speech_ratio)
    _check(event.dropped_samples >= 0, "it has lost less than nothing")
    has_label = event.label is not None
    _check(not has_label or event.label in LABELS, "it has an unknown label")
    _check(has_label == (event.state == "speech"), "it has a label without speech")
    _check(has_label == (event.confidence is not None), "it is sure of no label")
    _check_share(event.confidence or 0.0)
    for scores in (event.scores, event.raw):
        if scores is not None:
            _check(scores.keys() == set(LABELS), "it has other scores")
            for score in scores.values():
                _check_share(score)
    return event


def _built(cls: type[E], values: Mapping[str, Any]) -> E:
    """Make an event of the fields that it knows."""
    known = {field.name for field in dataclasses.fields(cls)}
    event = build(cls, {key: value for key, value in values.items() if key in known})
    _check(event.seq >= 0, "it counts from less than nothing")
    _check(is_stream_name(event.stream), "its stream has no name")
    return event


def _check_ranges(*numbers: float) -> None:
    for number in numbers:
        _check(0 <= number <= _LONGEST_SECONDS, "a number is out of range")


def _check_share(value: object) -> None:
    is_number = type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
    _check(is_number and 0 <= value <= 1, "a share is out of range")  # type: ignore[operator]


def _check(is_right: bool, problem: str) -> None:
    if not is_right:
        raise MessageError(problem)
