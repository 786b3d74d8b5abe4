"""The events: one JSON object each, the same on every output."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from emotiond.dsp.types import FloatArray
from emotiond.inference.card import LABELS

PROTOCOL = 1

State = Literal["warmup", "silence", "uncertain", "speech"]
STATES: tuple[State, ...] = get_args(State)
StreamStatus = Literal["running", "stalled", "reconnecting", "overload", "muted", "ended"]


@dataclass(frozen=True)
class Emotion:
    """The result of one stride."""

    seq: int
    stream: str
    start: float
    """Second of the stream at which the window's real audio begins."""
    end: float
    """Second of the stream at which its last full frame ends."""
    time: float
    """Unix time at which its last sample was captured."""
    state: State
    label: str | None
    """None except in ``speech``."""
    confidence: float | None
    """The smoothed score of ``label``."""
    scores: Mapping[str, float] | None
    """Smoothed posteriors; None in ``warmup`` and ``silence``."""
    raw: Mapping[str, float] | None
    """Posteriors of this window; None in ``warmup`` and ``silence``."""
    speech_ratio: float
    """Share of the window that is speech."""
    level_dbfs: float
    """Level of the newest stride; −120 at least."""
    age_ms: float | None
    """Time from the capture of the last sample to the sending; None at ``--speed max``."""
    dropped_samples: int
    """Samples lost since the stream began, at 16 kHz."""
    demo: bool = False
    """Whether this is an actor in the bundled recording. The message has the field only then."""
    replay: bool = False
    """Whether this was recorded earlier and is sent again. The message has the field only then."""


@dataclass(frozen=True)
class Change:
    """The published label has changed."""

    seq: int
    stream: str
    at: float
    """Second of the stream."""
    from_label: str | None
    to_label: str | None
    held_seconds: float
    """How long the former label was published."""
    demo: bool = False
    """As in :class:`Emotion`."""
    replay: bool = False
    """As in :class:`Emotion`."""


@dataclass(frozen=True)
class Status:
    """The state of a stream has changed."""

    seq: int
    stream: str
    status: StreamStatus
    detail: str
    """Cause and remedy, in plain text."""
    device: str | None
    """The microphone's name."""
    device_latency_ms: float | None
    """Latency that the device adds to ``age_ms``."""
    demo: bool
    """Whether the stream plays the bundled demo instead of a live voice."""
    replay: bool = False
    """As in :class:`Emotion`."""


Event = Emotion | Change | Status


def scores_of(posteriors: FloatArray) -> dict[str, float]:
    """Return posteriors of shape ``(8,)`` by label."""
    return dict(zip(LABELS, np.asarray(posteriors, np.float64).tolist(), strict=True))


def type_of(event: Event) -> str:
    """Return the event's type, as in the protocol."""
    return type(event).__name__.lower()


def position_of_event(event: Event) -> float | None:
    """Return at which second of the stream an event's sound ends; None for a ``status``."""
    if isinstance(event, Emotion):
        return event.end
    return event.at if isinstance(event, Change) else None


def to_json(event: Event) -> dict[str, Any]:
    """Return the event as in the protocol, with numbers rounded to four decimals."""
    values = {name: _rounded(value) for name, value in vars(event).items()}
    if not isinstance(event, Status) and not event.demo:
        del values["demo"]
    if not event.replay:
        del values["replay"]
    if isinstance(event, Change):
        values = {{"from_label": "from", "to_label": "to"}.get(k, k): v for k, v in values.items()}
    return {"type": type_of(event), **values}


def encode(message: Mapping[str, Any]) -> str:
    """Encode a message as one line of JSON. Numbers must be finite.

    Surrogates, such as odd bytes of a file's name, are escaped, since UTF-8 cannot hold them.
    """
    return valid_text(
        json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    )


def valid_text(text: str) -> str:
    """Return a text that UTF-8 can hold: surrogates are escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, Mapping):
        return {key: round(number, 4) for key, number in value.items()}
    return value
