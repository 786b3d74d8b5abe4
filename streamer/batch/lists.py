"""Reads lists of recordings: paths in a text file, and tables of segments."""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import PurePath
from typing import Any

from emotiond.exceptions import ConfigError, SourceError, install
from emotiond.streamer.batch.item import Entry, Item, Refusal
from emotiond.streamer.readers.opening import STANDARD_INPUT, open_once, unreadable

_TABLES = (".csv", ".tsv")
_PARQUET = b"PAR1"
_BOM = b"\xef\xbb\xbf"
_DELIMITERS = ",;\t"
_NAMES = {
    "file": ("file", "path", "filename", "file_path", "filepath"),
    "start": ("start", "start_seconds", "start_time", "begin", "onset"),
    "end": ("end", "end_seconds", "end_time", "offset"),
    "channel": ("channel",),
}
"""Names that the columns may have, in small letters."""

_CLOCK = re.compile(r"(?:(\d+) days? )?(\d+):(\d\d):(\d\d(?:\.\d+)?)")
"""As pandas writes times, and so audformat: ``0 days 00:00:01.500000``."""

_MOST_SECONDS = 1e9  # of a time in a recording; thirty years
_MOST_CHANNELS = 65_535  # as WAV
_NOTHING = frozenset(("", "nat", "nan", "none", "null"))


def read_list(name: str) -> Iterator[Entry | str]:
    """Yield what a list names: items of a table, or the paths of a text.

    Paths are relative to the folder of the list; those from standard input, to the present one.

    Args:
        name: the path of the list, ``-`` for standard input.

    Raises:
        ConfigError: it is no list, or pyarrow is missing.
        SourceError: it cannot be read.
    """
    try:
        with open_once(name) as file:
            content = file.read()
    except OSError as error:
        raise unreadable(name, error) from None
    folder = "" if name == STANDARD_INPUT else os.path.dirname(name)  # noqa: PTH120 - any name
    if content.startswith(_PARQUET):
        return _of_rows(name, folder, _parquet_rows(name, content))
    if PurePath(name).suffix.lower() in _TABLES:
        return _of_rows(name, folder, _csv_rows(name, content))
    return (os.path.join(folder, path) for path in _paths(content))  # noqa: PTH118 - any name


def _paths(content: bytes) -> Iterator[str]:
    """Yield the paths of a text: a line each, or separated by zeros, as ``find -print0`` does."""
    if b"\0" in content:
        found = content.split(b"\0")
    else:
        found = [line.removesuffix(b"\r") for line in content.removeprefix(_BOM).split(b"\n")]
    return (os.fsdecode(path) for path in found if path.strip())


def _csv_rows(name: str, content: bytes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each row with its place."""
    text = content.removeprefix(_BOM).decode("utf-8", "surrogateescape")
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        columns = _columns(name, next(rows, []))
        for row in rows:
            if row:
                yield (
                    f"{name}, line {rows.line_num}",
                    {key: row[at] if at < len(row) else "" for key, at in columns.items()},
                )
    except csv.Error as error:
        raise ConfigError(f"{name}: it is no table ({error})", "Save it as CSV in UTF-8") from None


def _parquet_rows(name: str, content: bytes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise ConfigError(f"{name}: only pyarrow reads Parquet", install("pyarrow")) from None
    try:
        file = parquet.ParquetFile(pyarrow.BufferReader(content))
        columns = _columns(name, file.schema_arrow.names)
        wanted = [file.schema_arrow.names[at] for at in columns.values()]
        count = 0
        for batch in file.iter_batches(columns=wanted):
            values = {
                key: _plain(batch.column(file.schema_arrow.names[at]))
                for key, at in columns.items()
            }
            for row in zip(*values.values(), strict=True):
                count += 1
                yield f"{name}, row {count}", dict(zip(values, row, strict=True))
    except pyarrow.ArrowException as error:
        raise ConfigError(f"{name}: it is no table ({error})", "Write it again") from None


def _plain(column: Any) -> Sequence[Any]:
    """Return the values of a column; those that last so long, in seconds."""
    import pyarrow

    if not pyarrow.types.is_duration(column.type):
        values: Sequence[Any] = column.to_pylist()
        return values
    steps = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}[column.type.unit]
    counts = column.cast(pyarrow.int64()).to_pylist()
    return [None if count is None else count / steps for count in counts]


def _columns(name: str, head: Sequence[str]) -> Mapping[str, int]:
    """Return where the columns are."""
    small = [title.strip().lower() for title in head]
    found = {
        key: small.index(title)
        for key, titles in _NAMES.items()
        for title in titles[::-1]
        if title in small
    }
    if "file" not in found:
        raise ConfigError(
            f"{name}: the table has no column 'file'",
            "Its first line has to name the columns: file, and perhaps start and end in seconds",
        )
    return found


def _of_rows(
    name: str, folder: str, rows: Iterator[tuple[str, Mapping[str, Any]]]
) -> Iterator[Entry]:
    is_empty = True
    for place, values in rows:
        is_empty = False
        file = os.path.join(folder, str(values["file"]))  # noqa: PTH118 - any name
        try:
            if not values["file"]:
                raise ValueError("it names no file")
            start, end = _seconds(values.get("start")), _seconds(values.get("end"))
            if end is not None and end <= (start or 0.0):
                raise ValueError(f"the segment ends at {end:.10g} s, before it begins")
            yield Item(file, start, end, _channel(values.get("channel")))
        except ValueError as error:
            refused = SourceError(f"{place}: {error}", "Correct that row")
            yield Refusal(Item(file), refused)
    if is_empty:
        raise ConfigError(f"{name}: the table has no rows", "Name another one")


def _seconds(value: object) -> float | None:
    """Return a time in seconds; None where there is none."""
    if value is None or str(value).strip().lower() in _NOTHING:
        return None
    if isinstance(value, timedelta):
        return value.total_seconds()
    text = str(value).strip()
    if clock := _CLOCK.fullmatch(text):
        days, hours, minutes, seconds = (float(part or 0) for part in clock.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    found = _number(text)
    if not 0 <= found <= _MOST_SECONDS:
        raise ValueError(f"{text!r} is no time in seconds")
    return found


def _channel(value: object) -> int | None:
    if value is None or str(value).strip().lower() in _NOTHING:
        return None
    found = _number(str(value))  # pandas makes 1.0 of 1 where a row has none
    if not (found.is_integer() and 1 <= found <= _MOST_CHANNELS):
        raise ValueError(f"{str(value)!r} is no channel, of which the first is 1")
    return int(found)


def _number(text: str) -> float:
    """Return a decimal number; NaN for all else that Python takes for one, such as ``1_0``."""
    try:
        return float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return math.nan
