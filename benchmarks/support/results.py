"""The page of all results: a whole run writes it anew, a named benchmark its own section."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HEADING = re.compile(r"^(?=## )", re.MULTILINE)


def page_of(machine: str, sections: Sequence[str]) -> str:
    """Return the page of a whole run.

    Args:
        machine: what it was measured on, as a list.
        sections: as Markdown, each with a heading.
    """
    head = f"# Results\n\nWritten by `make bench` on this machine:\n\n{machine}"
    return "\n".join([head, *sections])


def with_section(page: str, section: str, machine: str) -> str:
    """Return a page with one section anew, in its old place or at the end.

    The other sections stay as they are, so this one says what it was measured on.
    """
    heading, _, rest = section.partition("\n")
    measured = f"{heading}\n\nMeasured apart:\n\n{machine}{rest}"
    head, *others = _HEADING.split(page.rstrip() + "\n")
    before = {each.partition("\n")[0]: each.rstrip() + "\n" for each in others}
    return "\n".join([head.rstrip() + "\n", *{**before, heading: measured}.values()])
