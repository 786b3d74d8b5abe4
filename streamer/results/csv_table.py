"""A table in CSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from emotiond.streamer.results.columns import COLUMNS, rows
from emotiond.streamer.results.files import open_lines
from emotiond.streamer.results.writer import STANDARD_INPUT, Request, Result, Write

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_PARTED = re.compile(r'(?<=[,;\t\r\n])(?="*[=+\-@])')
"""Where a formula begins for a spreadsheet of another country, which parts cells at semicolons."""


@contextmanager
def csv_writer(request: Request) -> Iterator[Write]:
    """Write a row for each item, segment or stride."""
    with open_lines(request) as lines:
        columns = COLUMNS[request.level]
        csv.writer(lines).writerow(columns)

        def write(result: Result) -> None:
            file = harmless(result["file"])
            writer = csv.writer(lines, quoting=quoting_for(file))
            for row in rows({**result, "file": file}, request.level):
                writer.writerow([row[name] for name in columns])
            lines.flush()

        yield write


def quoting_for(file: str) -> Literal[0, 2]:
    """Return the ``quoting`` of a row that begins with a path, a part of which may be a formula."""
    return csv.QUOTE_NONNUMERIC if _PARTED.search(file) else csv.QUOTE_MINIMAL


def harmless_text(text: str) -> str:
    """Return a text that begins with a path, no part of which a spreadsheet takes for a formula."""
    return _PARTED.sub(" ", harmless(text))


def harmless(file: str) -> str:
    """Return a path that no spreadsheet takes for a formula. It names the same file."""
    return f"./{file}" if file.startswith(_FORMULA) and file != STANDARD_INPUT else file
