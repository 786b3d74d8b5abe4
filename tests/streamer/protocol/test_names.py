"""A published name shows as what it is, and no two streams look the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.protocol.names import (
    LONGEST_STREAM_NAME,
    LONGEST_UNFOLDED_NAME,
    likeness,
    problem_of,
)

LOOK_LIKE_MIC = [
    "MIC",
    "mic ",
    "m i c",
    "m1c",
    "\uff4d\uff49\uff43",  # full width
    "\u043c\u0456\u0441",  # Cyrillic
    "mi\u0441",  # Cyrillic and Latin
    "\u039c\u0399C",  # Greek and Latin
    "m\u0131c",  # without a dot
    "mic\u0301",  # with an accent
    "\U0001d4f6\U0001d4f2\U0001d4ec",  # handwriting of mathematics
    "\u1d0d\u026a\u1d04",  # small capitals
]


@pytest.mark.parametrize("name", LOOK_LIKE_MIC, ids=ascii)
def test_what_looks_like_a_name_has_its_likeness(name: str) -> None:
    assert likeness(name) == likeness("mic")
    assert problem_of(name) is None  # it may be a name where there is no "mic"


@pytest.mark.parametrize(
    ("name", "other"), [("kitchen", "hall"), ("mic", "mic 2"), ("client-1", "client-2"), ("a", "b")]
)
def test_other_names_have_another(name: str, other: str) -> None:
    assert likeness(name) != likeness(other)


@pytest.mark.parametrize("dash", "\u2010\u2013\u2014\u2011")
def test_a_dash_of_any_kind_is_a_dash(dash: str) -> None:
    assert likeness(f"client{dash}3") == likeness("client-3")


@pytest.mark.parametrize(
    "character",
    "\u202e\u2066\u200b\u200d\ufeff\u00ad\u2028\x1b\x85\u3164\u2800\ue000\ud800\U000e0041",
    ids=ascii,
)
def test_what_does_not_show_or_turns_the_rest_is_in_no_name(character: str) -> None:
    assert problem_of(f"mic{character}") is not None


@pytest.mark.parametrize("name", ["", "  ", "Küche 2", "台所", "кухня", "מטבח", "🎙️ studio", "a_b"])
def test_names_of_all_languages_are_fine(name: str) -> None:
    assert problem_of(name) is None


def test_a_name_of_accents_alone_does_not_show() -> None:
    assert problem_of("\u0301\ufe0f") is not None


@given(st.text(max_size=LONGEST_STREAM_NAME))
def test_the_likeness_of_a_likeness_is_itself(name: str) -> None:
    assert likeness(likeness(name)) == likeness(name)


def test_a_name_that_is_too_long_is_none() -> None:
    assert problem_of("x" * LONGEST_STREAM_NAME) is None
    assert "64 characters" in str(problem_of("x" * (LONGEST_STREAM_NAME + 1)))


@pytest.mark.parametrize("character", ["\ufdfa", "\ufdfb", "\u321d", "\u1f82"], ids=ascii)
def test_a_name_that_unfolds_to_a_long_one_is_none(character: str) -> None:
    assert f"{LONGEST_UNFOLDED_NAME} characters" in str(problem_of(character * LONGEST_STREAM_NAME))
    assert problem_of(f"a{character}b") is None


@pytest.mark.parametrize("syllable", "\uac01\u1ec7\u01d8", ids=ascii)  # Korean, Vietnamese, Chinese
def test_a_long_name_of_any_language_may_unfold(syllable: str) -> None:
    assert problem_of(syllable * LONGEST_STREAM_NAME) is None


def test_the_likeness_of_a_name_is_computed_once() -> None:
    likeness("a name of this test")
    before = likeness.cache_info()
    likeness("a name of this test")
    assert likeness.cache_info().misses == before.misses
    assert before.maxsize is not None
