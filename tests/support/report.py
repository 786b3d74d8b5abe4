"""Lines of which a report is made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emotiond.inference.card import LABELS

STRIDE_SECONDS = 0.25
EPOCH = 1_795_372_800.0


def emotion(index: int, label: str | None = "happy", **other: Any) -> dict[str, Any]:
    """Return the event of a stride, the first one being 0. Without a label it is silence."""
    end = round((index + 1) * STRIDE_SECONDS, 4)
    scores = {name: 0.81 if name == label else 0.0271 for name in LABELS}
    values: dict[str, Any] = {
        "type": "emotion",
        "seq": index,
        "stream": "mic",
        "start": max(0.0, end - 2.0),
        "end": end,
        "time": EPOCH + end,
        "state": "silence" if label is None else "speech",
        "label": label,
        "confidence": None if label is None else 0.81,
        "scores": None if label is None else scores,
        "raw": None if label is None else scores,
        "speech_ratio": 0.0 if label is None else 0.92,
        "level_dbfs": -23.45,
        "age_ms": 14.2,
        "dropped_samples": 0,
    }
    return {**values, **other}


def spoken(*labels: str | None, each: int = 8, first: int = 0) -> list[dict[str, Any]]:
    """Return events with labels that follow one another, each for some strides."""
    return [emotion(first + i, labels[i // each]) for i in range(each * len(labels))]


def result(file: str, events: Sequence[Mapping[str, Any]], **other: Any) -> dict[str, Any]:
    """Return a line of ``analyze --format json``."""
    duration = events[-1]["end"] if events else 0.0
    values = {"file": file, "duration": duration, "label": None, "confidence": None}
    return {**values, "scores": None, "shares": None, "events": [*events], **other}


def write_lines(path: Path, *lines: Mapping[str, Any]) -> Path:
    """Write objects, one a line."""
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return path
