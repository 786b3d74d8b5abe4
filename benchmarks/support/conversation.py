"""Recorded sessions like that of a conversation, made up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from emotiond.inference.card import LABELS

STRIDE_SECONDS = 0.25
START = 1_795_372_800.0
"""When they begin, in seconds since 1970."""
_WEIGHTS = (0.3, 0.25, 0.12, 0.1, 0.08, 0.05, 0.04, 0.06)


def conversation(count: int) -> Iterator[dict[str, Any]]:
    """Yield so many ``emotion`` events: a label of some seconds, pauses, noise."""
    random = np.random.default_rng(7)
    label, left, is_speech = 0, 0, True
    smoothed = np.full(len(LABELS), 1 / len(LABELS))
    for seq in range(count):
        if left == 0:
            is_speech = not is_speech if random.random() < 0.6 else is_speech
            label = int(random.choice(len(LABELS), p=_WEIGHTS))
            left = int(random.gamma(2, 14 if is_speech else 8)) + 1
        left -= 1
        raw = random.dirichlet(np.where(np.arange(len(LABELS)) == label, 6.0, 0.4))
        smoothed = 0.7 * smoothed + 0.3 * raw
        yield _event(seq, raw, smoothed, is_speech, random)


def _event(
    seq: int, raw: Any, smoothed: Any, is_speech: bool, random: np.random.Generator
) -> dict[str, Any]:
    best = int(np.argmax(smoothed))
    state = "silence" if not is_speech else "speech" if smoothed[best] > 0.4 else "uncertain"
    end = round((seq + 1) * STRIDE_SECONDS - 0.005, 4)

    def named(values: Any) -> dict[str, float] | None:
        scores = {name: round(float(v), 4) for name, v in zip(LABELS, values, strict=True)}
        return scores if is_speech else None

    return {
        "type": "emotion",
        "seq": seq,
        "stream": "mic",
        "start": round(max(0.0, end - 2.5), 4),
        "end": end,
        "time": round(START + end + random.normal(0, 0.003), 4),
        "state": state,
        "label": LABELS[best] if state == "speech" else None,
        "confidence": round(float(smoothed[best]), 4) if state == "speech" else None,
        "scores": named(smoothed),
        "raw": named(raw),
        "speech_ratio": round(float(random.beta(8, 2)), 4) if is_speech else 0.0,
        "level_dbfs": round(float(random.normal(-24 if is_speech else -62, 5)), 4),
        "age_ms": 14.2,
        "dropped_samples": 0,
    }
