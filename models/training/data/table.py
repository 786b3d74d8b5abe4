"""Reads a table of one's own recordings, and the map from its labels to the eight."""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emotiond.exceptions import DataError, printable
from emotiond.inference.card import LABELS

_REQUIRED = ("path", "speaker", "label")
_MAP = ("own", "label")
_MOST_SHOWN = 20


@dataclass(frozen=True)
class Row:
    """One recording, or a part of one."""

    line: int
    """Line of the table, from 1, where the row ends."""
    path: Path
    speaker: str
    label: str
    """One of the eight."""
    start_seconds: float = 0.0
    end_seconds: float | None = None
    """None for the end of the file."""

    @property
    def whole(self) -> bool:
        """Whether this is the whole file."""
        return self.start_seconds == 0.0 and self.end_seconds is None


@dataclass(frozen=True)
class Table:
    """The rows of a table."""

    rows: list[Row]
    left_out: int
    """Rows whose label the map leaves empty."""


class Faults:
    """Collects the faults of a table, a line each, so that one run names them all.

    Args:
        table: the file, for messages.
    """

    def __init__(self, table: Path) -> None:
        self._table = table
        self._found: list[tuple[int, str]] = []

    def add(self, line: int, fault: str) -> None:
        """Note what is wrong with a line."""
        self._found.append((line, fault))

    def refuse(self) -> None:
        """Print the faults.

        Raises:
            DataError: there are any.
        """
        if not self._found:
            return
        for line, fault in sorted(self._found)[:_MOST_SHOWN]:
            print(printable(f"{self._table}, line {line}: {fault}"), file=sys.stderr)
        more = len(self._found) - _MOST_SHOWN
        rest = f", of which {more} are not shown" if more > 0 else ""
        raise DataError(
            printable(f"{self._table} has {len(self._found)} faults{rest}"),
            "Correct or remove the lines that are named above",
        )


def read_label_map(path: Path) -> dict[str, str]:
    """Read which of the eight labels each own label means; empty leaves its clips out.

    Raises:
        DataError: it cannot be read, or a line has no or an unknown label.
    """
    faults, labels = Faults(path), {}
    for line, cells in _lines(path, _MAP):
        own, label = cells["own"], cells["label"]
        if label and label not in LABELS:
            faults.add(line, f"{label!r} is none of {', '.join(LABELS)}")
        elif own in labels:
            faults.add(line, f"{own!r} stands there twice")
        else:
            labels[own] = label
    faults.refuse()
    return labels


def read_table(path: Path, labels: Mapping[str, str]) -> Table:
    """Read the rows of a table. Paths that are not absolute start at the table's folder.

    Args:
        path: CSV in UTF-8 with the columns ``path``, ``speaker``, ``label``, and perhaps ``start``
            and ``end`` in seconds.
        labels: see :func:`read_label_map`.

    Raises:
        DataError: it cannot be read, or has faults, which are printed.
    """
    faults, rows, left_out = Faults(path), [], 0
    for line, cells in _lines(path, _REQUIRED):
        try:
            row = _row(path.parent, line, cells, labels)
        except ValueError as error:
            faults.add(line, str(error))
            continue
        if row is None:
            left_out += 1
        else:
            rows.append(row)
    faults.refuse()
    if not rows:
        raise DataError(f"{path} names no recordings", "Give a line to each recording")
    return Table(rows, left_out)


def _row(
    folder: Path, line: int, cells: Mapping[str, str], labels: Mapping[str, str]
) -> Row | None:
    """Return a row; None if the map leaves its label out.

    Raises:
        ValueError: the fault of the line.
    """
    for name in _REQUIRED:
        if not cells[name]:
            raise ValueError(f"its {name} is empty")
    if cells["label"] not in labels:
        raise ValueError(f"the label {cells['label']!r} is not in the map of labels")
    start, end = _seconds(cells, "start"), _seconds(cells, "end")
    if end is not None and end <= (start or 0.0):
        raise ValueError(f"it ends at {end:g} s, not after its start at {start or 0.0:g} s")
    path = folder / cells["path"]
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    label = labels[cells["label"]]
    return Row(line, path, cells["speaker"], label, start or 0.0, end) if label else None


def _seconds(cells: Mapping[str, str], name: str) -> float | None:
    text = cells.get(name, "")
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ValueError(f"its {name} is {text!r}, not a number of seconds")
    return seconds


def _lines(path: Path, required: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Return the number and the cells of each line, without spaces around them."""
    example = f"Begin it with the line {','.join(required)}, and save it as CSV in UTF-8"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="", strict=True)
            names = [name.strip() for name in reader.fieldnames or ()]
            missing = [name for name in required if name not in names]
            if missing:
                raise DataError(f"{path} has no column {' and no column '.join(missing)}", example)
            reader.fieldnames = names
            return [
                (reader.line_num, {name: (row[name] or "").strip() for name in names})
                for row in reader
            ]
    except (OSError, UnicodeError, csv.Error) as error:
        raise DataError(f"cannot read {path} ({error})", example) from error
