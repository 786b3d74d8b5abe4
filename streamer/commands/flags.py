"""The flags that the parts have, sources and outputs, as argparse wants them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from emotiond.streamer.arguments import ArgumentParser
from emotiond.streamer.options import Option, Part

Flag = tuple[str, dict[str, Any]]
"""A flag, and its details for argparse."""


def add_each(parser: ArgumentParser, flags: Sequence[Flag]) -> None:
    """Add flags whose values are left out where a flag is: the settings have the defaults."""
    for flag, details in flags:
        parser.add_argument(flag, default=argparse.SUPPRESS, **details)


def insert_options(flags: list[Flag], part: Part[Any], settings: object) -> None:
    """Insert the flags of a part behind those that they name, or else at the end."""
    before: str | None = None
    for option in part.options:
        names = [flag for flag, _ in flags]
        before = option.after or before
        index = len(flags) if before is None else names.index(before) + 1
        flags.insert(index, (option.flag, _details(option, settings)))
        before = option.flag


def _details(option: Option, settings: object) -> dict[str, Any]:
    """Return the arguments for argparse. The default determines the type of the values."""
    details: dict[str, Any] = {"help": option.help}
    if option.metavar is not None:
        details["metavar"] = option.metavar
    value = getattr(settings, option.key)
    if isinstance(value, bool):
        details["action"] = "store_true"
    elif isinstance(value, tuple):
        details["action"] = "append"
    elif isinstance(value, int | float):
        details["type"] = type(value)
    return details


def add_json(parser: ArgumentParser) -> None:
    """Add the one flag of the commands that list something."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
