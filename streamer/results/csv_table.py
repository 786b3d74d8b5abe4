"""A table in CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager

from emotiond.streamer.results.columns import COLUMNS, rows
from emotiond.streamer.results.files import open_lines
from emotiond.streamer.results.writer import STANDARD_INPUT, Request, Result, Write

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@contextmanager
def csv_writer(request: Request) -> Iterator[Write]:
    """Write a row for each item, segment or stride."""
    with open_lines(request) as lines:
        writer = csv.writer(lines)
        columns = COLUMNS[request.level]
        writer.writerow(columns)

        def write(result: Result) -> None:
            for row in rows({**result, "file": harmless(result["file"])}, request.level):
                writer.writerow([row[name] for name in columns])
            lines.flush()

        yield write


def harmless(file: str) -> str:
    """Return a path that no spreadsheet takes for a formula. It names the same file."""
    return f"./{file}" if file.startswith(_FORMULA) and file != STANDARD_INPUT else file
