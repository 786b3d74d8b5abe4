from __future__ import annotations

import pytest

from streamer.requests import Auth, RequestError, SenselessError, parse, type_of


def error_of(message: str | bytes) -> SenselessError:
    with pytest.raises(SenselessError) as raised:
        parse(message)
    return raised.value


def test_a_message_becomes_a_record() -> None:
    request = parse('{"type":"auth","token":"secret"}')
    assert request == Auth("secret")
    assert type_of(request) == "auth"


@pytest.mark.parametrize(
    "message", ["", "not JSON {", "[" * 100_000, '{"type":"auth"', "9" * 10_000]
)
def test_what_is_not_json_is_told_so(message: str) -> None:
    assert error_of(message).error == "not-json"


@pytest.mark.parametrize(
    "message", ["[]", "null", "5", '"auth"', "{}", '{"type":5}', '{"type":[]}']
)
def test_what_has_no_type_is_told_so(message: str) -> None:
    assert error_of(message).error == "bad-message"
    assert error_of(message).about is None


def test_an_unknown_type_is_told_so() -> None:
    assert error_of('{"type":"dance"}').error == "unknown-type"


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ('{"type":"auth"}', "'token' is missing"),
        ('{"type":"auth","token":null}', "'token' must be a text"),
        ('{"type":"auth","token":"","tokens":""}', "unknown key 'tokens' (did you mean 'token'?)"),
    ],
)
def test_a_field_that_does_not_fit_is_named(message: str, problem: str) -> None:
    error = error_of(message)
    assert error.error == "bad-message"
    assert error.about == "auth"
    assert problem in str(error)


def test_of_what_was_sent_little_comes_back() -> None:
    message = '{"type":"auth","token":"","' + "\\ud800" * 10_000 + '":1}'
    assert len(str(error_of(message))) < 300


def test_an_error_is_a_message_about_another_one() -> None:
    error = RequestError("no-stream", "there is no stream", "Start one")
    assert error.to_json("end") == {
        "type": "error",
        "error": "no-stream",
        "detail": "there is no stream. Start one.",
        "about": "end",
    }
