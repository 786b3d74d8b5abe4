"""Read mappings (JSON, TOML) into frozen dataclasses, strictly."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

T = TypeVar("T")

LARGEST_INTEGER = 2**53
"""Up to here, a float represents every integer."""


@dataclass(frozen=True)
class Kinds:
    """Marks a field that takes one of several dataclasses, as ``Annotated[Protocol, Kinds(…)]``.

    The key ``kind`` of the field's mapping names the dataclass. The other keys are its fields.
    """

    classes: Mapping[str, type[Any]]


def build(cls: type[T], values: object, where: str = "") -> T:
    """Make a dataclass from a mapping whose keys and types must match exactly.

    A nested dataclass takes a nested mapping, one of :class:`Kinds` too. A tuple takes a list. A
    float also takes an integer.

    Args:
        cls: a dataclass.
        values: what the file or message contains.
        where: the path to ``values``, for error messages.

    Raises:
        ValueError: a key is unknown or missing, or a value has the wrong type. The message
            names the key.
    """
    values = _mapping(values, where)
    hints = _hints(typing.cast("Any", cls))
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


@functools.lru_cache(64)
def _hints(cls: type[Any]) -> Mapping[str, Any]:
    """Return the types of the fields: events of other daemons come often."""
    return typing.get_type_hints(cls, include_extras=True)


def _mapping(value: object, where: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where or 'it'} must be an object, not {_type_name(value)}")
    return value


def _build_kind(kinds: Kinds, value: object, where: str) -> Any:
    values = dict(_mapping(value, where))
    if "kind" not in values:
        names = " or ".join(f'"{name}"' for name in kinds.classes)
        raise ValueError(f'{_path(where, "kind")!r} is missing (add "kind": {names})')
    kind = values.pop("kind")
    if not isinstance(kind, str) or kind not in kinds.classes:
        names = ", ".join(kinds.classes)
        raise ValueError(f"{_path(where, 'kind')!r} must be one of {names}, not {kind!r}")
    return build(kinds.classes[kind], values, where)


def _value(hint: Any, value: object, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin is Annotated:
        return _build_kind(hint.__metadata__[0], value, where)
    if origin in (typing.Union, types.UnionType):
        return _optional(hint, value, where)
    if origin is typing.Literal:
        if value not in typing.get_args(hint):
            choices = ", ".join(map(str, typing.get_args(hint)))
            raise ValueError(f"{where!r} must be one of {choices}, not {value!r}")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{where!r} must be a list, not {_type_name(value)}")
        item = typing.get_args(hint)[0]
        return tuple(_value(item, v, f"{where}[{i}]") for i, v in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise ValueError(f"{where!r} must be an object, not {_type_name(value)}")
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
    if type(value) is int and abs(value) > LARGEST_INTEGER:
        raise ValueError(f"{where!r} is far too large")
    if hint is float and type(value) is int:
        value = float(value)
    if type(value) is not hint:
        raise ValueError(f"{where!r} must be {_NAMES[hint]}, not {_type_name(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where!r} must be finite, not {value}")
    return value


_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def _type_name(value: object) -> str:
    return "null" if value is None else _NAMES.get(type(value), type(value).__name__)


def _path(where: str, key: object) -> str:
    return f"{where}.{key}" if where else str(key)
