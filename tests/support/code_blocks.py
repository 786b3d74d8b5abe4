"""The blocks of code of README.md and docs/*.md, and what docs/code-blocks.md says about them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| \[([^\]]+)\]\([^)]*\) \| (\S+): `(.+?)` \| (.+) \|$", re.MULTILINE)
_PRINTED = "text"
"""What a program prints. A block without a language is that, or a picture."""


@dataclass(frozen=True)
class Block:
    """A block of code."""

    page: str
    """The page's path below the root."""
    language: str
    text: str

    @property
    def key(self) -> tuple[str, str, str]:
        """Page, language and first line: how docs/code-blocks.md names a block."""
        return Path(self.page).name, self.language, self.text.splitlines()[0].strip()

    def __str__(self) -> str:
        return " ".join(self.key)


def code_blocks() -> list[Block]:
    """All of them, but for what a program prints."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [
        Block(page.relative_to(ROOT).as_posix(), found[2], textwrap.dedent(found[3]))
        for page in pages
        for found in _BLOCK.finditer(page.read_text("utf-8"))
        if found[2] != _PRINTED
    ]


def rows(heading: str) -> Mapping[tuple[str, str, str], str]:
    """A table of docs/code-blocks.md: each block with its test, or with the reason for none."""
    text = (ROOT / "docs" / "code-blocks.md").read_text("utf-8")
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return {(row[1], row[2], row[3]): row[4].strip("`") for row in _ROW.finditer(section)}
