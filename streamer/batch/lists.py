"""Reads lists of recordings: paths in a text file, and tables of segments."""

from __future__ import annotations

import contextlib
import csv
import io
import math
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any, BinaryIO, cast

from emotiond.exceptions import ConfigError, SourceError
from emotiond.streamer.batch.columns import columns_of
from emotiond.streamer.batch.folders import SUFFIXES
from emotiond.streamer.batch.item import Entry, Item, Refusal
from emotiond.streamer.batch.parquet_rows import parquet_rows
from emotiond.streamer.readers.opening import STANDARD_INPUT, open_once, unreadable

_TABLES = (".csv", ".tsv")
_PARQUET = b"PAR1"
_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
"""What such a text begins with. Each of its characters would be a path, such as ``/``."""
_DELIMITERS = ",;\t"
_PART_BYTES = 2**18
_LONGEST_LINE_BYTES = 2**20
"""Of a text or CSV. A path has 4 KiB at most."""
_MOST_PIPE_BYTES = 2**30
"""Of a list that comes through a pipe, and is kept in a temporary file."""
_CLOCK = re.compile(r"(?:(\d+) days? )?(\d+):(\d\d):(\d\d(?:\.\d+)?)")
"""As pandas writes times, and so audformat: ``0 days 00:00:01.500000``."""

_MOST_SECONDS = 1e9  # of a time in a recording; thirty years
_MOST_CHANNELS = 65_535  # as WAV
_NOTHING = frozenset(("", "nat", "nan", "none", "null"))


def read_list(name: str) -> Iterator[Entry | str]:
    """Yield what a list names: items of a table, or the paths of a text.

    Paths are relative to the folder of the list; those from standard input, to the present one. It
    is read piece by piece, however long it is.

    Args:
        name: the path of the list, ``-`` for standard input.

    Raises:
        ConfigError: it is no list, or pyarrow is missing.
        SourceError: it cannot be read.
    """
    if PurePath(name).suffix.lower().removeprefix(".") in SUFFIXES:
        raise ConfigError(f"@{name}: this is a recording and no list", "Leave the @ out")
    folder = "" if name == STANDARD_INPUT else os.path.dirname(name)  # noqa: PTH120 - any name
    with open_once(name) as opened:
        try:
            with _from_its_start(name, opened) as file:
                head = file.read(len(_PARQUET))
                file.seek(0)
                if head.startswith(_UTF_16):
                    raise ConfigError(f"{name}: this text is UTF-16", "Save it in UTF-8")
                if head == _PARQUET:
                    yield from _of_rows(name, folder, parquet_rows(name, file))
                elif PurePath(name).suffix.lower() in _TABLES:
                    yield from _of_rows(name, folder, _csv_rows(name, file))
                else:
                    for path in _paths(name, file):
                        yield os.path.join(folder, path)  # noqa: PTH118 - any name
        except OSError as error:
            raise unreadable(name, error) from None


@contextlib.contextmanager
def _from_its_start(name: str, file: BinaryIO) -> Iterator[BinaryIO]:
    """Give a file that can be read from its start as often as wanted: of a pipe, a copy."""
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        yield file
        return
    with tempfile.TemporaryFile() as copy:
        while part := file.read(_PART_BYTES):
            if copy.tell() + len(part) > _MOST_PIPE_BYTES:
                raise ConfigError(
                    f"{name}: it is larger than {_MOST_PIPE_BYTES // 2**30} GiB",
                    "Cut it up into several runs",
                )
            copy.write(part)
        copy.seek(0)
        yield cast("BinaryIO", copy)


def _paths(name: str, file: BinaryIO) -> Iterator[str]:
    """Yield the paths of a text: a line each, or separated by zeros, as ``find -print0`` does."""
    has_zeros = b"\0" in file.read(_LONGEST_LINE_BYTES)
    file.seek(0)
    for path in _parted_by_zeros(name, file) if has_zeros else _lines(name, file):
        found = path if has_zeros else path.rstrip(b"\n").removesuffix(b"\r")
        if found.strip():
            yield os.fsdecode(found)


def _parted_by_zeros(name: str, file: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while part := file.read(_PART_BYTES):
        *whole, rest = (rest + part).split(b"\0")
        yield from whole
        if len(rest) > _LONGEST_LINE_BYTES:
            raise _too_long(name)
    yield rest


def _lines(name: str, file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines, without the mark that programs of Windows put before the first one."""
    is_first = True
    while line := file.readline(_LONGEST_LINE_BYTES + 1):
        if len(line) > _LONGEST_LINE_BYTES:
            raise _too_long(name)
        yield line.removeprefix(_BOM) if is_first else line
        is_first = False


def _text_lines(name: str, file: BinaryIO) -> Iterator[str]:
    """Yield the lines as the module csv wants them: with their ends, of any system."""
    for line in _lines(name, file):
        yield from io.StringIO(line.decode("utf-8", "surrogateescape"), newline="")


def _too_long(name: str) -> ConfigError:
    return ConfigError(
        f"{name}: a line has more than {_LONGEST_LINE_BYTES // 2**20} MiB: this is no list",
        "Give each recording a line",
    )


def _csv_rows(name: str, file: BinaryIO) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each row with its place."""
    head = next(_text_lines(name, file), "")
    file.seek(0)
    delimiter = max(_DELIMITERS, key=head.count)
    rows = csv.reader(_text_lines(name, file), delimiter=delimiter)
    try:
        columns = columns_of(name, next(rows, []))
        for row in rows:
            if row:
                yield (
                    f"{name}, line {rows.line_num}",
                    {key: row[at] if at < len(row) else "" for key, at in columns.items()},
                )
    except csv.Error as error:
        raise ConfigError(f"{name}: it is no table ({error})", "Save it as CSV in UTF-8") from None


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
