from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.inference.card import LABELS
from emotiond.streamer.protocol.events import Change, Emotion, Status, encode, scores_of, to_json

SCORES = dict.fromkeys(LABELS, 0.027142857) | {"happy": 0.81}


def emotion(**changes: Any) -> Emotion:
    values: dict[str, Any] = {
        "seq": 41,
        "stream": "mic",
        "start": 7.25,
        "end": 10.25,
        "time": 1795372800.25,
        "state": "speech",
        "label": "happy",
        "confidence": 0.81,
        "scores": SCORES,
        "raw": SCORES,
        "speech_ratio": 0.92,
        "level_dbfs": -23.4,
        "age_ms": 14.2,
        "dropped_samples": 0,
    }
    return Emotion(**(values | changes))


def test_an_emotion_has_the_fields_of_the_protocol() -> None:
    message = to_json(emotion())
    assert list(message) == [
        *("type", "seq", "stream", "start", "end", "time", "state", "label", "confidence"),
        *("scores", "raw", "speech_ratio", "level_dbfs", "age_ms", "dropped_samples"),
    ]
    assert message["type"] == "emotion"
    assert message["time"] == 1795372800.25
    assert list(message["scores"]) == list(LABELS)


def test_only_a_demo_says_whether_it_is_one() -> None:
    for event in (emotion(demo=True), Change(42, "mic", 10.25, "calm", "happy", 4.5, demo=True)):
        assert to_json(event)["demo"] is True
    assert "demo" not in to_json(emotion())


def test_unknown_values_are_null() -> None:
    line = encode(
        to_json(emotion(state="silence", label=None, confidence=None, scores=None, age_ms=None))
    )
    message = json.loads(line)
    for key in ("label", "confidence", "scores", "age_ms"):
        assert message[key] is None


def test_a_change_has_the_fields_of_the_protocol() -> None:
    assert to_json(Change(42, "mic", 10.25, "calm", "happy", 4.5)) == {
        "type": "change",
        "seq": 42,
        "stream": "mic",
        "at": 10.25,
        "from": "calm",
        "to": "happy",
        "held_seconds": 4.5,
    }


def test_a_change_may_be_from_or_to_null() -> None:
    message = json.loads(encode(to_json(Change(0, "mic", 1.0, None, None, 0.0))))
    assert message["from"] is None
    assert message["to"] is None


def test_a_status_has_the_fields_of_the_protocol() -> None:
    message = to_json(Status(43, "mic", "running", "", "Laptop", 12.345678, False))
    assert message == {
        "type": "status",
        "seq": 43,
        "stream": "mic",
        "status": "running",
        "detail": "",
        "device": "Laptop",
        "device_latency_ms": 12.3457,
        "demo": False,
    }


@given(st.floats(-1e6, 1e6), st.lists(st.floats(0, 1), min_size=8, max_size=8))
def test_numbers_are_finite_and_have_four_decimals(number: float, scores: list[float]) -> None:
    by_label = dict(zip(LABELS, scores, strict=True))
    event = emotion(start=number, level_dbfs=number, age_ms=number, scores=by_label)
    message = json.loads(encode(to_json(event)))
    for value in (message["start"], message["level_dbfs"], *message["scores"].values()):
        assert math.isfinite(value)
        assert value == round(value, 4)
    assert message["start"] == pytest.approx(number, abs=5.1e-5)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_non_finite_numbers_are_not_encoded(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode(to_json(emotion(level_dbfs=value)))


@pytest.mark.parametrize("stream", ["Küche", 'a"b', "x\ny", "\u2028"])
def test_a_message_is_encoded_as_one_line(stream: str) -> None:
    line = encode(to_json(emotion(stream=stream)))
    assert "\n" not in line
    assert json.loads(line)["stream"] == stream


def test_scores_keep_the_order_of_the_labels() -> None:
    scores = scores_of(np.arange(8, dtype=np.float32) / 28)
    assert list(scores) == list(LABELS)
    assert scores["surprised"] == pytest.approx(0.25)
    assert all(type(score) is float for score in scores.values())
    with pytest.raises(ValueError, match="shorter"):
        scores_of(np.ones(7))


@given(st.text(st.characters(), max_size=20))
def test_any_name_survives_encoding(name: str) -> None:
    assert json.loads(encode({"stream": name}).encode()) == {"stream": name}


def test_a_name_with_surrogates_survives_encoding() -> None:
    name = b"bad\xff.wav".decode("utf-8", "surrogateescape")
    assert json.loads(encode({"detail": name}).encode()) == {"detail": name}
