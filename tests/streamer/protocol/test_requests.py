from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import ValidationError

from emotiond.streamer.protocol.names import LONGEST_STREAM_NAME, problem_of
from emotiond.streamer.protocol.requests import (
    HIGHEST_RATE,
    LONGEST_NAME,
    LOWEST_RATE,
    REQUESTS,
    AskPast,
    Audio,
    Auth,
    Cancel,
    End,
    Erase,
    Forget,
    ListHistory,
    Mute,
    Recall,
    Request,
    RequestError,
    SenselessError,
    Start,
    parse,
    type_of,
)
from tests.support.schema import check

INTEGERS = st.integers(-(2**53), 2**53)
NAMES = st.one_of(
    st.tuples(st.text(max_size=LONGEST_NAME), st.just(False)),
    st.tuples(
        st.text(max_size=LONGEST_STREAM_NAME).filter(lambda name: problem_of(name) is None),
        st.just(True),
    ),
)
"""A name, and whether the stream is published."""
STARTS = st.builds(
    lambda name, *values: Start(*values[:3], *name, *values[3:]),
    NAMES,
    st.sampled_from(["live", "file"]),
    st.integers(LOWEST_RATE, HIGHEST_RATE),
    st.sampled_from(["s16le", "f32le"]),
    st.none() | st.floats(0, allow_nan=False, allow_infinity=False),
)
REQUEST: st.SearchStrategy[Request] = st.one_of(
    st.builds(Auth, st.text()),
    STARTS,
    st.builds(End),
    st.builds(Cancel),
    st.builds(ListHistory),
    st.builds(Recall, INTEGERS),
    st.builds(Forget, st.lists(INTEGERS).map(tuple)),
    st.builds(AskPast, st.text(), st.none() | st.integers(0, 2**53)),
    st.builds(Erase, st.text()),
    st.builds(Mute, st.booleans()),
)
"""All valid requests."""
# Integers stay integers: JSON Schema accepts 8000.0 as an integer, the daemon does not.
FRACTIONS = st.floats(-1e9, 1e9).filter(lambda number: not number.is_integer())
SCALARS = st.none() | st.booleans() | INTEGERS | FRACTIONS | st.text(max_size=5)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=5)
FIELDS = (
    "token",
    "purpose",
    "sample_rate",
    "format",
    "name",
    "publish",
    "duration",
    "id",
    "ids",
    "stream",
    "before",
)


def error_of(message: str | bytes) -> SenselessError:
    with pytest.raises(SenselessError) as raised:
        parse(message)
    return raised.value


def test_a_message_becomes_a_dataclass() -> None:
    request = parse('{"type":"auth","token":"secret"}')
    assert request == Auth("secret")
    assert type_of(request) == "auth"


@pytest.mark.parametrize(
    "message", ["", "not JSON {", "[" * 100_000, '{"type":"auth"', "9" * 10_000]
)
def test_a_message_that_is_not_json_is_refused(message: str) -> None:
    assert error_of(message).error == "not-json"


@pytest.mark.parametrize(
    "message", ["[]", "null", "5", '"auth"', "{}", '{"type":5}', '{"type":[]}']
)
def test_a_message_without_a_type_is_refused(message: str) -> None:
    assert error_of(message).error == "bad-message"
    assert error_of(message).about is None


def test_an_unknown_type_is_refused() -> None:
    assert error_of('{"type":"dance"}').error == "unknown-type"


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ('{"type":"auth"}', "'token' is missing"),
        ('{"type":"auth","token":null}', "'token' must be a text"),
        ('{"type":"auth","token":"","tokens":""}', "unknown key 'tokens' (did you mean 'token'?)"),
    ],
)
def test_the_error_names_the_wrong_field(message: str, problem: str) -> None:
    error = error_of(message)
    assert error.error == "bad-message"
    assert error.about == "auth"
    assert problem in str(error)


def test_an_error_quotes_little_of_the_message() -> None:
    message = '{"type":"auth","token":"","' + "\\ud800" * 10_000 + '":1}'
    assert len(str(error_of(message))) < 300


def test_an_error_names_the_request_it_is_about() -> None:
    error = RequestError("no-stream", "there is no stream", "Start one")
    assert error.to_json("end") == {
        "type": "error",
        "error": "no-stream",
        "detail": "there is no stream. Start one.",
        "about": "end",
    }


def written(request: Request) -> dict[str, Any]:
    """Return a request's message after a round trip through JSON."""
    message = json.loads(json.dumps({"type": type_of(request), **asdict(request)}))
    assert isinstance(message, dict)
    return message


@given(REQUEST)
def test_a_valid_request_survives_encoding_and_parsing(request: Request) -> None:
    message = written(request)
    assert parse(json.dumps(message)) == request
    assert parse(json.dumps(message, ensure_ascii=False)) == request
    check("client", message)


@given(REQUEST, st.sampled_from([*FIELDS, "other"]), VALUES, st.booleans())
def test_the_daemon_takes_exactly_what_is_documented(
    request: Request, field: str, value: object, remove: bool
) -> None:
    message = written(request)
    if remove:
        message.pop(field, None)
    else:
        message[field] = value
    try:
        check("client", message)
    except ValidationError:
        error = error_of(json.dumps(message))
        assert (error.error, error.about) == ("bad-message", message["type"])
    else:
        assert written(parse(json.dumps(message))).items() >= message.items()


@given(st.text() | st.recursive(SCALARS, lambda inner: st.dictionaries(
    st.sampled_from(["type", *FIELDS]) | st.text(max_size=3), inner | st.sampled_from([*REQUESTS])
)).map(json.dumps))  # fmt: skip
def test_any_other_text_gives_a_short_printable_error(text: str) -> None:
    try:
        parse(text)
    except SenselessError as error:
        refusal = error.to_json(None)
        check("daemon", refusal)
        assert len(refusal["detail"]) < 300
        assert refusal["detail"].isprintable()
        json.dumps(refusal).encode()


@given(st.binary())
def test_binary_messages_are_audio(data: bytes) -> None:
    assert parse(data) == Audio(data)
