"""A table in CSV."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from emotiond.inference.card import LABELS
from emotiond.streamer.results.writer import Result, Write


@contextmanager
def csv_writer(_shortest_seconds: float) -> Iterator[Write]:
    """Print a row for each item."""
    writer = csv.writer(sys.stdout)
    shares = [f"{label}_share" for label in LABELS]
    writer.writerow(["file", "duration", "label", "confidence", *LABELS, *shares])

    def write(result: Result) -> None:
        scores, held = result["scores"] or {}, result["shares"]
        row = [result[name] for name in ("file", "duration", "label", "confidence")]
        row += [scores.get(label) for label in LABELS]
        row += [None if held is None else held.get(label, 0.0) for label in LABELS]
        writer.writerow(row)
        sys.stdout.flush()

    yield write
