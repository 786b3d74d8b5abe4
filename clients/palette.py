"""The colours of the web page, for a terminal. Its style sheet is the only place that has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_SHEET = Path(__file__).parent / "web" / "stylesheets" / "colours.css"
_COLOUR = re.compile(r"--([\w-]+): (#[0-9a-f]{6});")
_THEME = re.compile(r"@media \(prefers-color-scheme: dark\) \{(.*?)\n\}", re.DOTALL)


def read_palette(*, light: bool) -> Mapping[str, str]:
    """Return the colours of a theme, such as ``"#3f4756"``, by label or by the sheet's name."""
    sheet = _SHEET.read_text("utf-8")
    dark = _THEME.search(sheet)
    assert dark is not None
    of_light = dict(_COLOUR.findall(sheet[: dark.start()]))
    return of_light if light else {**of_light, **dict(_COLOUR.findall(dark[1]))}


def is_light(environment: Mapping[str, str]) -> bool:
    """Return whether the terminal says that its background is light.

    Many terminals set COLORFGBG, for instance to ``0;15``: the last number is the background's,
    among the sixteen colours. The others count as dark.
    """
    background = environment.get("COLORFGBG", "").rpartition(";")[2]
    return background in {"7", *map(str, range(9, 16))}
