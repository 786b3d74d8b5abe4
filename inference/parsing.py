"""Strict reading of mappings (JSON, TOML) into frozen dataclasses."""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")

_LARGEST_INTEGER = 2**53  # a float holds it exactly


def build(cls: type[T], values: object, where: str = "") -> T:
    """Make a dataclass from a mapping whose keys and types must fit exactly.

    Nested dataclasses are built from nested mappings, tuples from lists; an integer
    serves as a float.

    Args:
        cls: a dataclass.
        values: what was read.
        where: the path to it, for messages.

    Raises:
        ValueError: a key is unknown or missing, or a value has the wrong type; the
            message names it.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{where or 'it'} must be an object, not {_kind(values)}")
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in values:
        if key not in fields:
            close = difflib.get_close_matches(str(key), fields, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise ValueError(f"unknown key {_path(where, key)!r}{hint}")
    for name, field in fields.items():
        required = (
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        if required and name not in values:
            raise ValueError(f"{_path(where, name)!r} is missing")
    return cls(
        **{key: _value(hints[key], value, _path(where, key)) for key, value in values.items()}
    )


def _value(hint: Any, value: object, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _optional(hint, value, where)
    if origin is typing.Literal:
        if value not in typing.get_args(hint):
            choices = ", ".join(map(str, typing.get_args(hint)))
            raise ValueError(f"{where!r} must be one of {choices}, not {value!r}")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{where!r} must be a list, not {_kind(value)}")
        item = typing.get_args(hint)[0]
        return tuple(_value(item, v, f"{where}[{i}]") for i, v in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise ValueError(f"{where!r} must be an object, not {_kind(value)}")
        return dict(value)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value, where)
    return _scalar(hint, value, where)


def _optional(hint: Any, value: object, where: str) -> Any:
    if value is None:
        return None
    (inner,) = (arg for arg in typing.get_args(hint) if arg is not type(None))
    return _value(inner, value, where)


def _scalar(hint: type, value: object, where: str) -> Any:
    if type(value) is int and abs(value) > _LARGEST_INTEGER:
        raise ValueError(f"{where!r} is far too large")
    if hint is float and type(value) is int:
        value = float(value)
    if type(value) is not hint:
        raise ValueError(f"{where!r} must be {_NAMES[hint]}, not {_kind(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where!r} must be finite, not {value}")
    return value


_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def _kind(value: object) -> str:
    return "null" if value is None else _NAMES.get(type(value), type(value).__name__)


def _path(where: str, key: object) -> str:
    return f"{where}.{key}" if where else str(key)
