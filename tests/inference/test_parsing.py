from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.inference.parsing import Kinds, build


@dataclass(frozen=True)
class Inner:
    size: int = 1


@dataclass(frozen=True)
class Circle:
    radius: float


@dataclass(frozen=True)
class Square:
    side: float
    inner: Inner = field(default_factory=Inner)


SHAPES: dict[str, type] = {"circle": Circle, "square": Square}


@dataclass(frozen=True)
class Outer:
    name: str
    ratio: float = 0.5
    flag: bool = False
    kind: Literal["soft", "hard"] = "soft"
    words: tuple[str, ...] = ()
    inner: Inner = field(default_factory=Inner)
    maybe: Inner | None = None
    anything: Mapping[str, Any] = field(default_factory=dict)
    shape: Annotated[object, Kinds(SHAPES)] = Circle(1.0)


def test_valid_values_are_read() -> None:
    assert build(
        Outer,
        {
            "name": "x",
            "ratio": 2,
            "flag": True,
            "kind": "hard",
            "words": ["a", "b"],
            "inner": {"size": 3},
            "maybe": {"size": 4},
            "anything": {"deep": [1, None]},
        },
    ) == Outer("x", 2.0, True, "hard", ("a", "b"), Inner(3), Inner(4), {"deep": [1, None]})


def test_a_kind_names_the_dataclass_of_the_other_keys() -> None:
    square = {"kind": "square", "side": 2, "inner": {"size": 3}}
    assert build(Outer, {"name": "x", "shape": square}).shape == Square(2.0, Inner(3))
    assert square["kind"] == "square", "what was read is left as it is"


def test_a_kind_that_is_added_later_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SHAPES, "inner", Inner)
    assert build(Outer, {"name": "x", "shape": {"kind": "inner", "size": 3}}).shape == Inner(3)


def test_missing_keys_have_their_defaults() -> None:
    assert build(Outer, {"name": "x", "maybe": None}) == Outer("x")


def test_an_integer_serves_as_a_float_and_becomes_one() -> None:
    assert type(build(Outer, {"name": "x", "ratio": 2}).ratio) is float


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "it must be an object, not list"),
        (None, "it must be an object, not null"),
        ({}, "'name' is missing"),
        ({"name": 3}, "'name' must be a text, not a whole number"),
        ({"name": None}, "'name' must be a text, not null"),
        ({"name": "x", "ratio": "1"}, "'ratio' must be a number, not a text"),
        ({"name": "x", "ratio": True}, "'ratio' must be a number, not true or false"),
        ({"name": "x", "ratio": float("nan")}, "'ratio' must be finite, not nan"),
        ({"name": "x", "ratio": float("inf")}, "'ratio' must be finite, not inf"),
        ({"name": "x", "ratio": 10**400}, "'ratio' is far too large"),
        ({"name": "x", "flag": 1}, "'flag' must be true or false, not a whole number"),
        ({"name": "x", "kind": "odd"}, "'kind' must be one of soft, hard, not 'odd'"),
        ({"name": "x", "kind": []}, "'kind' must be one of soft, hard, not []"),
        ({"name": "x", "words": "ab"}, "'words' must be a list, not a text"),
        ({"name": "x", "words": ["a", 1]}, "'words[1]' must be a text, not a whole number"),
        ({"name": "x", "inner": 1}, "inner must be an object, not a whole number"),
        ({"name": "x", "inner": {"size": 1.0}}, "'inner.size' must be a whole number, not a"),
        ({"name": "x", "inner": {"size": 10**400}}, "'inner.size' is far too large"),
        ({"name": "x", "maybe": {"sise": 1}}, "unknown key 'maybe.sise' (did you mean 'size'?)"),
        ({"name": "x", "anything": 5}, "'anything' must be an object, not a whole number"),
        ({"name": "x", "shape": 5}, "shape must be an object, not a whole number"),
        (
            {"name": "x", "shape": {"radius": 1}},
            '\'shape.kind\' is missing (add "kind": "circle" or "square")',
        ),
        (
            {"name": "x", "shape": {"kind": "oval"}},
            "'shape.kind' must be one of circle, square, not 'oval'",
        ),
        (
            {"name": "x", "shape": {"kind": {}}},
            "'shape.kind' must be one of circle, square, not {}",
        ),
        ({"name": "x", "shape": {"kind": "circle"}}, "'shape.radius' is missing"),
        ({"name": "x", "shape": {"kind": "circle", "side": 1}}, "unknown key 'shape.side'"),
        ({"name": "x", "nmae": 1}, "unknown key 'nmae' (did you mean 'name'?)"),
        ({"name": "x", "qqqqq": 1}, "unknown key 'qqqqq'"),
    ],
)
def test_an_invalid_value_is_refused_by_its_path(values: object, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        build(Outer, values)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)
keys = st.sampled_from(
    ["name", "ratio", "flag", "kind", "words", "inner", "maybe", "size", "shape"]
)


@given(json_values | st.dictionaries(keys | st.text(max_size=5), json_values, max_size=8))
def test_rubbish_is_refused_or_read_but_never_crashes(values: object) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(build(Outer, values), Outer)
