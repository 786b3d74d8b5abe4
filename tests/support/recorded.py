"""Recordings as ``--record`` writes them, without the time that speaking takes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emotiond.inference.card import LABELS, SAMPLE_RATE
from emotiond.streamer.protocol.events import Emotion, encode, to_json
from emotiond.streamer.recordings.part import Part
from emotiond.streamer.recordings.plan import EventForm
from emotiond.streamer.recordings.position import Position

EPOCH = 1795372800.0
STRIDE_SECONDS = 0.25

_SESSIONS = itertools.count(1)


def said(index: int, label: str = "happy", stream: str = "mic", begin: float = 0.0) -> Emotion:
    """The event that ends ``index + 1`` strides after a second of the stream."""
    end = begin + (index + 1) * STRIDE_SECONDS
    scores = {name: 0.86 if name == label else 0.02 for name in LABELS}
    return Emotion(
        index, stream, max(0.0, end - 2), end, EPOCH + end, "speech", label, 0.86, scores, scores,
        0.92, -23.4, 14.2, 0,
    )  # fmt: skip


def record(
    path: Path,
    labels: Sequence[str] = ("happy",) * 8,
    *,
    stream: str = "mic",
    begin: float = 0.0,
    forms: Sequence[EventForm] = ("jsonl",),
    number: int = 1,
) -> Sequence[Emotion]:
    """Write a part that is complete, with an event for each label. Returns its events."""
    events = [said(index, label, stream, begin) for index, label in enumerate(labels)]
    part = Part(path, forms)
    session = f"{next(_SESSIONS):032x}"
    part.add_position(Position(stream, 0.0, begin, EPOCH + begin, session=session, part=number))
    part.add_sound(np.zeros(round(len(labels) * STRIDE_SECONDS * SAMPLE_RATE)))
    for event in events:
        part.add_event(event, encode(to_json(event)))
    part.close()
    return events
