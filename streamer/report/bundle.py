"""Joins the modules of a page, and its style sheets, so that a page needs no other file."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

_IMPORT = re.compile(r'^import \{([\w\s,]+)\} from "(\.[^"\n]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+))", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def join_modules(entry: str, text_of: Callable[[str], str]) -> str:
    """Return one script that does what a module does with all that it imports.

    Each module becomes a function, which is called once, after those that it imports. It knows the
    forms of import and export that our modules have: named ones, one a line.

    Args:
        entry: the path of the module.
        text_of: returns the text of a module.

    Raises:
        ValueError: a module has another form of import or export, or modules import each other.
    """
    numbers: dict[str, int] = {}
    parts: list[str] = []

    def add(path: str, above: tuple[str, ...]) -> int:
        if path in above:
            raise ValueError(f"{path} imports itself, through {', '.join(above)}")
        if path not in numbers:
            text = text_of(path)
            folder = posixpath.dirname(path)

            def imported(found: re.Match[str]) -> str:
                target = posixpath.normpath(posixpath.join(folder, found[2]))
                if re.search(r"\w\s+\w", found[1]):
                    raise ValueError(f"{path}: cannot join {found[0]!r}")
                return f"const {{{found[1]}}} = module{add(target, (*above, path))};"

            exported = [found[1] for found in _EXPORT.finditer(text)]
            body = _EXPORT.sub("", _IMPORT.sub(imported, text))
            if (left := _LEFT.search(body)) is not None:
                raise ValueError(f"{path}: cannot join {left[0]!r}")
            numbers[path] = len(numbers)
            names = ", ".join(exported)
            parts.append(
                f"const module{numbers[path]} = (() => {{\n{body}\nreturn {{{names}}};\n}})();\n"
            )
        return numbers[path]

    add(entry, ())
    return "".join(parts)
