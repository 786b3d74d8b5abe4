"""A table in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from emotiond.exceptions import printable


def print_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows below their head, as wide as the terminal; what it would obey is escaped."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in head:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(printable(str(cell)) for cell in row))
    Console(highlight=False, markup=False).print(table)
