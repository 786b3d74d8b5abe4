"""What of another daemon is believed: nothing that the protocol's schema does not allow."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.inference.card import LABELS
from emotiond.streamer.protocol.checks import LONGEST_DETAIL, MessageError
from emotiond.streamer.protocol.events import Emotion, to_json
from emotiond.streamer.rooms import received
from emotiond.streamer.rooms.received import (
    MOST_STREAMS,
    OtherProtocolError,
    parse_event,
    parse_hello,
)
from tests.support.schema import check

Object = dict[str, Any]

SCORES = dict.fromkeys(LABELS, 0.125)
EMOTION: Object = {
    "type": "emotion", "seq": 41, "stream": "mic", "start": 8.23, "end": 10.245,
    "time": 1795372800.25, "state": "speech", "label": "happy", "confidence": 0.81,
    "scores": SCORES, "raw": SCORES, "speech_ratio": 0.92, "level_dbfs": -23.4, "age_ms": 14.2,
    "dropped_samples": 0,
}  # fmt: skip
CHANGE: Object = {
    "type": "change", "seq": 42, "stream": "mic", "at": 1.0, "from": "calm", "to": None,
    "held_seconds": 4.5,
}  # fmt: skip
STATUS: Object = {
    "type": "status", "seq": 0, "stream": "mic", "status": "running", "detail": "",
    "device": None, "device_latency_ms": None, "demo": False,
}  # fmt: skip
HELLO: Object = {
    "type": "hello", "protocol": 1, "name": "kitchen", "instance": "a", "stride_seconds": 0.25,
    "streams": ["mic"], "last": None,
}  # fmt: skip
EVENTS = (EMOTION, CHANGE, STATUS)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
    | st.sampled_from([*LABELS, "speech", "silence", "ended"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)  # fmt: skip


def parsed(message: Object) -> Any:
    parse = parse_hello if message["type"] == "hello" else parse_event
    return parse(json.dumps(message))


@pytest.mark.parametrize("message", EVENTS, ids=lambda message: str(message["type"]))
def test_an_event_is_taken_as_it_is(message: Object) -> None:
    assert to_json(parsed(message)) == message


@given(st.sampled_from(EVENTS), st.data())
def test_whatever_stands_in_a_field_is_refused_or_fits_the_schema(
    message: Object, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(message.keys() - {"type"})))
    value = data.draw(ANYTHING)
    try:
        event = parsed({**message, name: value})
    except MessageError:
        return
    check("daemon", to_json(event))


@given(ANYTHING, st.data())
def test_whatever_stands_in_the_scores_is_refused_or_fits_the_schema(
    value: object, data: st.DataObject
) -> None:
    label = data.draw(st.sampled_from([*LABELS, "bored"]))
    try:
        event = parsed({**EMOTION, "scores": {**SCORES, label: value}})
    except MessageError:
        return
    check("daemon", to_json(event))


@given(st.sampled_from(["protocol", "name", "instance", "stride_seconds", "streams"]), ANYTHING)
def test_whatever_stands_in_hello_is_refused_or_bounded(name: str, value: object) -> None:
    try:
        hello = parsed({**HELLO, name: value})
    except MessageError:
        return
    assert 0 < hello.stride_seconds <= 10
    assert len(hello.streams) <= MOST_STREAMS


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '"hello"', "{}", '{"type":3}', b"\x00\x01", "[" * 60_000,
     '{"type":"emotion"}', '{"type":"hello"}', "1" * 10_000],
)  # fmt: skip
def test_what_is_no_message_is_refused(text: str | bytes) -> None:
    for parse in (parse_hello, parse_event):
        with pytest.raises(MessageError):
            parse(text)


@pytest.mark.parametrize(
    "fields",
    [
        {"scores": dict.fromkeys(LABELS, 1e9)},
        {"scores": {**SCORES, "happy": "1"}},
        {"scores": {**SCORES, "happy": True}},
        {"scores": {**SCORES, "bored": 0.1}},
        {"scores": {}},
        {"confidence": -0.1},
        {"start": 10.3},
        {"label": "bored"},
        {"label": None},
        {"state": "silence"},
        {"state": "dancing"},
        {"seq": 4.5},
        {"seq": -1},
        {"seq": 10**300},
        {"scores": dict.fromkeys(LABELS, 10**400)},
        {"end": 1e300},
        {"time": -1},
        {"level_dbfs": -1e9},
        {"age_ms": "fresh"},
        {"stream": ""},
        {"stream": "x" * 65},
        {"stream": "a\u202eb"},
        {"stream": "a\nb"},
        {"demo": 1},
    ],
)
def test_lies_about_an_emotion_are_refused(fields: Object) -> None:
    with pytest.raises(MessageError):
        parsed({**EMOTION, **fields})


def test_infinity_is_refused() -> None:
    with pytest.raises(MessageError):
        parsed({**EMOTION, "end": float("inf")})


def test_another_version_of_the_protocol_is_told_apart() -> None:
    for version in (0, 2, "1", None, True):
        with pytest.raises(OtherProtocolError):
            parsed({**HELLO, "protocol": version})


def test_fields_and_types_of_newer_versions_are_ignored() -> None:
    assert to_json(parsed({**EMOTION, "mood": "new"})) == EMOTION
    assert parsed({"type": "mood", "value": 1}) is None


def test_a_daemon_of_an_older_version_has_no_name() -> None:
    old = parsed({key: HELLO[key] for key in HELLO.keys() - {"name", "instance"}})
    assert (old.name, old.instance) == (None, "")


def test_names_are_cleaned_and_long_texts_cut() -> None:
    assert parsed({**HELLO, "name": "a/b\u202e#"}).name == "a-b"
    assert len(parsed({**HELLO, "name": "x" * 50_000}).name) <= 63
    assert len(parsed({**STATUS, "detail": "x" * 50_000}).detail) == LONGEST_DETAIL
    many = parsed({**HELLO, "streams": [3, "", "a\x00", *(f"s{n}" for n in range(5000))]})
    assert many.streams == [f"s{n}" for n in range(MOST_STREAMS)]


def test_the_last_event_of_hello_is_checked_like_any() -> None:
    assert isinstance(parsed({**HELLO, "last": EMOTION}).last, Emotion)
    with pytest.raises(MessageError):
        parsed({**HELLO, "last": {**EMOTION, "seq": "x"}})


def test_a_second_hello_is_refused_unread() -> None:
    for hello in (HELLO, {**HELLO, "protocol": 2}, {"type": "hello"}):
        with pytest.raises(MessageError, match="greets twice"):
            parse_event(json.dumps(hello))
    with pytest.raises(MessageError, match="does not begin"):
        parse_hello(json.dumps(EMOTION))


def test_of_thousands_of_names_no_more_are_looked_at_than_are_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: list[object] = []

    def look(name: object) -> bool:
        looked_at.append(name)
        return True

    monkeypatch.setattr(received, "is_stream_name", look)
    parsed({**HELLO, "streams": [f"s{n}" for n in range(5000)]})
    assert looked_at == [f"s{n}" for n in range(MOST_STREAMS)]
