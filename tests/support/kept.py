"""Results as ``analyze`` keeps them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from emotiond.inference.card import LABELS
from emotiond.streamer.batch.analyst import Finding
from emotiond.streamer.batch.content import Seen
from emotiond.streamer.batch.kept_events import joined
from emotiond.streamer.readers.opening import state_of
from emotiond.streamer.uploads.archive import EventLog
from tests.support.report import emotion

CHANGE = {"type": "change", "seq": 1, "stream": "", "at": 0.5, "from": None, "to": "happy",
          "held_seconds": 0.0}  # fmt: skip
RESULT = {
    "duration": 2.0,
    "label": "happy",
    "confidence": 0.81,
    "scores": {name: 0.81 if name == "happy" else 0.0271 for name in LABELS},
    "shares": {"happy": 0.9},
    "speech_seconds": 1.5,
}


def stride(index: int = 0, **other: Any) -> dict[str, Any]:
    """Return the event of a stride, the first one being 0."""
    return emotion(index, **{"age_ms": None, "speech_seconds": 0.25, "stream": "", **other})


def packed(*events: Mapping[str, Any]) -> bytes:
    """Return events as they are kept."""
    log = EventLog()
    for event in events:
        log.add(json.dumps(event))
    return joined(log)


def finding(*events: Mapping[str, Any], **other: Any) -> Finding:
    """Return a whole result, with other values."""
    return Finding({**RESULT, **other}, packed(*events))


def seen(path: str) -> Seen:
    """What a file is now."""
    return Seen(state_of(path))
