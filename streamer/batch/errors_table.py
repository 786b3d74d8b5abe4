"""The table of what could not be analyzed, beside the output."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Sequence
from pathlib import Path

from emotiond.exceptions import SourceError
from emotiond.streamer.batch.item import Item
from emotiond.streamer.results.csv_table import harmless
from emotiond.streamer.results.files import in_place, reporting

COLUMNS = ("file", "start", "end", "channel", "problem", "remedy")
Row = tuple[str, float | None, float | None, int | None, str, str]


def row_of(item: Item, error: SourceError) -> Row:
    """Return the row of an item that could not be analyzed."""
    return (
        item.file,
        item.start_seconds,
        item.end_seconds,
        item.channel,
        error.problem,
        error.remedy,
    )


def write_errors(path: Path, rows: Sequence[Row]) -> None:
    """Write the table; without rows, remove that of an earlier run.

    Raises:
        ResultError: it cannot be written.
    """
    if not rows:
        with contextlib.suppress(OSError):
            with path.open(encoding="utf-8") as file:
                is_ours = file.readline().strip() == ",".join(COLUMNS)
            if is_ours:
                path.unlink()
        return
    with (
        in_place(path) as unfinished,
        reporting(path),
        unfinished.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for name, start, end, channel, problem, remedy in rows:
            # A problem begins with the name of the file.
            writer.writerow((harmless(name), start, end, channel, harmless(problem), remedy))
