"""Many ``emotion`` events in one message: a list of values for each field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emotiond.streamer.protocol.events import Emotion, to_json

FIELDS = (
    "seq", "start", "end", "time", "state", "label", "scores", "raw", "speech_ratio", "level_dbfs",
    "age_ms", "dropped_samples",
)  # fmt: skip
"""``confidence`` is not among them: it is the score of the label."""

_SCORES = ("scores", "raw")


def columns_of(events: Sequence[Emotion]) -> Mapping[str, Sequence[Any]]:
    """Return events by field. Scores are lists, in the order of the labels."""
    objects = [to_json(event) for event in events]
    columns: dict[str, list[Any]] = {name: [each[name] for each in objects] for name in FIELDS}
    for name in _SCORES:
        columns[name] = [scores and [*scores.values()] for scores in columns[name]]
    return columns
