"""Checks messages against the JSON Schemas in ``docs/schema``."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any, Literal

from jsonschema import Draft202012Validator

FOLDER = Path(__file__).parents[2] / "docs" / "schema"

Side = Literal["daemon", "client"]
"""The sender of a message."""


@functools.cache
def schema_of(side: Side) -> dict[str, Any]:
    schema = json.loads((FOLDER / f"{side}.json").read_text("utf-8"))
    assert isinstance(schema, dict)
    return schema


def types_of(side: Side) -> set[str]:
    """Return the types of all messages that a side may send."""
    return {entry["$ref"].rpartition("/")[2] for entry in schema_of(side)["oneOf"]}


@functools.cache
def _validator(side: Side, kind: str) -> Draft202012Validator:
    """Return the validator of one message type: its errors are clearer than those of all types."""
    schema = schema_of(side)
    return Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": schema["$defs"]})


def check(side: Side, message: Any) -> None:
    """Raise ValidationError unless this is a message as documented."""
    assert message["type"] in types_of(side), (
        f"no message of the type {message['type']!r} is documented"
    )
    _validator(side, message["type"]).validate(message)
