"""The messages: one JSON object each, the same on every output."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from emotiond.dsp.types import FloatArray
from emotiond.inference.card import LABELS

PROTOCOL = 1

State = Literal["warmup", "silence", "uncertain", "speech"]
StreamStatus = Literal["running", "stalled", "reconnecting", "overload", "muted", "ended"]


@dataclass(frozen=True)
class Emotion:
    """What one stride brought."""

    seq: int
    stream: str
    start: float
    """Seconds of the stream where the window's real audio begins."""
    end: float
    """Seconds of the stream where its last full frame ends."""
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
    """This window's posteriors; None in ``warmup`` and ``silence``."""
    speech_ratio: float
    """Share of the window that is speech."""
    level_dbfs: float
    """Of the newest stride; −120 at the least."""
    age_ms: float | None
    """From the capture of the window's last sample to the sending; None at ``--speed max``."""
    dropped_samples: int
    """Lost since the stream began, at 16 kHz."""


@dataclass(frozen=True)
class Change:
    """The published label is another one now."""

    seq: int
    stream: str
    at: float
    """Seconds of the stream."""
    from_label: str | None
    to_label: str | None
    held_seconds: float
    """For how long the former label was published."""


@dataclass(frozen=True)
class Status:
    """How a stream is doing."""

    seq: int
    stream: str
    status: StreamStatus
    detail: str
    """For people: the cause, the remedy."""
    device: str | None
    """The microphone's name."""
    device_latency_ms: float | None
    """What the device itself adds to ``age_ms``."""
    demo: bool
    """Whether this is the bundled recording and nobody's voice."""


Event = Emotion | Change | Status


def scores_of(posteriors: FloatArray) -> dict[str, float]:
    """Posteriors of shape ``(8,)`` by label."""
    return dict(zip(LABELS, np.asarray(posteriors, np.float64).tolist(), strict=True))


def to_json(event: Event) -> dict[str, Any]:
    """The event as the protocol has it, numbers rounded to four decimals."""
    values = {name: _rounded(value) for name, value in vars(event).items()}
    if isinstance(event, Change):
        values = {{"from_label": "from", "to_label": "to"}.get(k, k): v for k, v in values.items()}
    return {"type": type(event).__name__.lower(), **values}


def encode(message: Mapping[str, Any]) -> str:
    """One line of JSON; refuses what is not a finite number.

    What is no character, such as a byte of a file's name, is escaped: it can go over a wire.
    """
    text = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace").decode()


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, Mapping):
        return {key: round(number, 4) for key, number in value.items()}
    return value
