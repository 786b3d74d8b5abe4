"""Writes an example of a settings file, from the flags of ``emotiond run``."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

_HEAD = """\
Settings of emotiond, all with their defaults. To change one, remove the '#' before its name and
give it a value. A setting without a default shows what it takes.

Check the file:     emotiond config --check FILE.toml
Run with the file:  emotiond --config FILE.toml
"""
_WIDTH = 98


def example(flags: Sequence[tuple[str, Mapping[str, Any]]], defaults: object) -> str:
    """Return a file in TOML in which every setting is a comment.

    Args:
        flags: each flag of the settings, such as ``--stride``, with its details for argparse.
        defaults: has an attribute for each setting.
    """
    lines = [f"# {line}".rstrip() for line in _HEAD.splitlines()]
    for flag, details in flags:
        key = flag[2:].replace("-", "_")
        help_text = details["help"][0].upper() + details["help"][1:] + "."
        lines += [
            "",
            *textwrap.wrap(help_text, _WIDTH, initial_indent="# ", subsequent_indent="# "),
        ]
        lines.append(f"#{key} = {_value(getattr(defaults, key), details)}")
    return "\n".join(lines) + "\n"


def _value(default: object, details: Mapping[str, Any]) -> str:
    """Return the default as TOML, or what the setting takes. JSON's texts and numbers are TOML."""
    shown = details.get("metavar", "…")
    if isinstance(default, tuple):
        return json.dumps(list(default) or [shown], ensure_ascii=False)
    return json.dumps(shown if default is None else default, ensure_ascii=False)
