"""A hook of MkDocs: writes the reference that the code itself holds, at marks in pages of docs/.

``<!-- command line -->`` becomes the help of every command, ``<!-- settings -->`` the example of a
settings file, ``<!-- python -->`` the docstrings of ``import emotiond``.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import dataclasses
import inspect
import io
import itertools
import os
import re
import textwrap
from collections.abc import Iterator

import emotiond
from emotiond.streamer import cli
from emotiond.streamer.commands.config import CONFIG

WIDTH = "100"
SECTION = re.compile(r"^(Args|Returns|Raises|Yields|Attributes):$")
TITLES = {"Args": "Arguments", "Attributes": "Fields"}
ENTRY = re.compile(r"^(\w+): ")


def fenced(text: str, language: str) -> str:
    """A block of code."""
    return f"```{language}\n{text.rstrip()}\n```\n"


def parsers(
    name: str, parser: argparse.ArgumentParser
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield a command and those below it, with their parsers."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command, below in action.choices.items():
                yield from parsers(f"{name} {command}", below)


def command_line() -> str:
    """The help of every command."""
    os.environ["COLUMNS"] = WIDTH
    return "\n".join(
        f"## {name}\n\n{fenced(parser.format_help(), 'text')}"
        for name, parser in parsers("emotiond", cli.make_parser())
    )


def settings() -> str:
    """The example of a settings file."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        CONFIG.run({"example": True})
    return fenced(printed.getvalue(), "toml")


def plain(text: str) -> str:
    """A docstring's roles, such as ``:func:`analyze```, as code."""
    return re.sub(r":\w+:`([^`]+)`", r"`\1`", text).replace("``", "`")


def section(title: str, lines: list[str]) -> str:
    """A section of a docstring: entries become a list; what is below them stays below."""
    text = textwrap.dedent("\n".join(lines))
    if title != "Returns":
        text = "\n".join(
            "- " + ENTRY.sub(r"`\1`: ", line) if line and not line[0].isspace() else line
            for line in text.splitlines()
        )
    return f"**{TITLES.get(title, title)}**\n\n{text}"


def docstring(text: str) -> str:
    """A docstring of Google's style as Markdown."""
    parts: list[tuple[str, list[str]]] = [("", [])]
    for line in plain(inspect.cleandoc(text)).splitlines():
        found = SECTION.match(line)
        if found:
            parts.append((found[1], []))
        else:
            parts[-1][1].append(line)
    return "\n\n".join(
        section(title, lines) if title else "\n".join(lines) for title, lines in parts
    )


def fields(made: type) -> Iterator[str]:
    """Rows for the fields of a dataclass, with the remarks below them, its bases' first."""
    for kind in reversed(made.__mro__):
        if "__annotations__" not in vars(kind):
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
        assert isinstance(tree, ast.ClassDef)
        for field, after in itertools.pairwise([*tree.body, ast.Pass()]):
            if isinstance(field, ast.AnnAssign):
                remark = ""
                if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                    remark = plain(" ".join(str(after.value.value).split()))
                kinds = ast.unparse(field.annotation).replace("|", "\\|")
                yield f"| `{ast.unparse(field.target)}` | `{kinds}` | {remark} |"


def python() -> str:
    """Every public name: its signature or fields, and its docstring."""
    parts = []
    for name in sorted(emotiond.__all__, key=lambda name: (name[0].isupper(), name)):
        value = getattr(emotiond, name)
        parts.append(f"### emotiond.{name}")
        if inspect.isfunction(value):
            parts.append(fenced(f"{name}{inspect.signature(value)}", "text"))
            parts.append(docstring(value.__doc__))
        else:  # its arguments are the daemon's own business
            parts.append(docstring(value.__doc__).partition("**Arguments**")[0])
        if dataclasses.is_dataclass(value):
            parts.append("\n".join(("| field | type | |", "| --- | --- | --- |", *fields(value))))
        if is_error(value):
            parts.append(f"It is a kind of `{value.__base__.__name__}`.")
    return "\n\n".join(parts) + "\n"


def is_error(value: object) -> bool:
    """Whether this is an error."""
    return inspect.isclass(value) and issubclass(value, Exception)


MARKS = {"command line": command_line, "settings": settings, "python": python}


def on_page_markdown(markdown: str, **_: object) -> str:
    """Replace the marks."""
    for mark, write in MARKS.items():
        line = f"<!-- {mark} -->"
        if line in markdown:
            markdown = markdown.replace(line, write())
    return markdown
