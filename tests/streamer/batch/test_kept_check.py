"""Of what was kept, only what has the form of our own results is believed."""

from __future__ import annotations

import json
import math
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.batch.kept_check import MOST_RESULT_BYTES, checked
from tests.support.kept import CHANGE, RESULT, finding, packed, stride

FORMULA = '=HYPERLINK("http://example.org","open")'
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=3), values),
    max_leaves=5,
)


def as_kept(values: object) -> bytes:
    return json.dumps(values).encode()


def part(content: bytes) -> bytes:
    """Return a content as a part of events is packed."""
    compressed = zlib.compress(content)
    return struct.pack("<I", len(compressed)) + compressed


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"channel": 2},
        {"start": 1.0, "end": 3},
        {"label": None, "confidence": None, "scores": None, "shares": None},
    ],
)
def test_our_own_results_are_whole(other: dict[str, Any]) -> None:
    silent = stride(1, label=None)
    whole = finding(stride(), silent, CHANGE, **other)
    assert checked(as_kept(whole.values), whole.events) == whole


@pytest.mark.parametrize("result", [None, 7, "text", b"", b"null", b"[1]", b"{}", b"{", b"\xff",
    b"[" * 50_000, b'{"duration":' * 9_000, b"9" * 5_000])  # fmt: skip
def test_what_is_no_result_is_not_there(result: object) -> None:
    assert checked(result, b"") is None


@pytest.mark.parametrize(
    "events",
    [None, 7, "text", b"7", b"\xff\xff\xff\xff", part(b"null"), part(b"{}"), part(b"[1]"),
     part(b"[null]"), part(b"[{}]"), part(b"[" * 50_000), part(b"[]")[:-1], part(b"\xff")],
)  # fmt: skip
def test_what_are_no_events_is_not_there(events: object) -> None:
    assert checked(as_kept(RESULT), events) is None


@pytest.mark.parametrize(
    "content",
    [
        b"[" + b" " * 2**22 + b"]",
        b"[" + b",".join([json.dumps(stride()).encode()] * 201) + b"]",
    ],
)
def test_events_that_unpack_to_more_than_ours_are_not_there(content: bytes) -> None:
    assert checked(as_kept(RESULT), part(content)) is None


def test_a_result_that_is_far_too_long_is_not_there() -> None:
    assert checked(as_kept(RESULT) + b" " * MOST_RESULT_BYTES, b"") is None


@pytest.mark.parametrize(
    "other",
    [
        {"label": FORMULA},
        {"label": "@SUM(1)"},
        {"label": ["happy"]},
        {"label": None},
        {"confidence": FORMULA},
        {"confidence": None},
        {"confidence": True},
        {"confidence": 1.5},
        {"duration": "1"},
        {"duration": -1},
        {"duration": math.nan},
        {"duration": math.inf},
        {"duration": 10**400},
        {"speech_seconds": None},
        {"scores": {"happy": 1.0}},
        {"scores": dict.fromkeys(RESULT["scores"], FORMULA)},  # type: ignore[call-overload]
        {"shares": {FORMULA: 1.0}},
        {"shares": [1.0]},
        {"channel": 0},
        {"channel": 1.0},
        {"channel": FORMULA},
        {"start": 0.0},
        {"start": FORMULA, "end": 1.0},
        {"file": FORMULA},
        {"events": []},
        {FORMULA: 1},
    ],
)
def test_a_result_of_another_form_is_not_there(other: dict[str, Any]) -> None:
    assert checked(as_kept({**RESULT, **other}), b"") is None


@pytest.mark.parametrize("name", RESULT)
def test_a_result_that_lacks_something_is_not_there(name: str) -> None:
    values = {key: value for key, value in RESULT.items() if key != name}
    assert checked(as_kept(values), b"") is None


@pytest.mark.parametrize(
    "event",
    [
        stride(label=FORMULA, confidence=0.5),
        stride(state=FORMULA),
        stride(state=[]),
        stride(end=FORMULA),
        stride(end=-1.0),
        stride(speech_seconds=None),
        stride(time=1e300),
        stride(scores={FORMULA: 1.0}),
        stride(seq=0.5),
        stride(type=FORMULA),
        stride(more=FORMULA),
        {**CHANGE, "to": "@SUM(1)"},
        {**CHANGE, "at": None},
        {**CHANGE, "type": "emotion"},
        {"type": "hello", "protocol": 1},
    ],
)
def test_an_event_of_another_form_is_not_there(event: dict[str, Any]) -> None:
    assert checked(as_kept(RESULT), packed(stride(), event)) is None


@given(name=st.sampled_from([*stride()]), value=JSON)
def test_no_value_in_an_event_is_a_traceback(name: str, value: object) -> None:
    event = stride(**{name: value})
    found = checked(as_kept(RESULT), packed(event))
    assert found is None or type(value) is not dict or name in ("scores", "raw", "stream")
