"""A table in Parquet, by pyarrow.

It is the library that the format comes from, and has wheels for Raspberry Pi OS of 64 bits.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from emotiond.exceptions import ConfigError, ResultError, install
from emotiond.streamer.protocol.events import valid_text
from emotiond.streamer.results.columns import COLUMNS, Row, rows
from emotiond.streamer.results.files import check_free, in_place, reporting
from emotiond.streamer.results.writer import Request, Result, Write

_TEXTS = ("file", "label", "state")
_INTEGERS = ("channel",)
_ROWS_A_GROUP = 8192  # rows that are held in memory


@contextmanager
def parquet_writer(request: Request) -> Iterator[Write]:
    """Write a row for each item, segment or stride, with the columns of CSV.

    Raises:
        ConfigError: pyarrow is missing.
        ResultError: the table cannot be written, or would go to a terminal.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise ConfigError("Parquet needs the package pyarrow", install("pyarrow")) from None
    schema = pyarrow.schema(
        [
            (
                name,
                pyarrow.string()
                if name in _TEXTS
                else pyarrow.int32()
                if name in _INTEGERS
                else pyarrow.float64(),
            )
            for name in COLUMNS[request.level]
        ]
    )
    held: list[Row] = []
    with _open(request) as stream:
        with reporting(request.output):
            table = pyarrow.parquet.ParquetWriter(stream, schema)

        def flush() -> None:
            with reporting(request.output):
                table.write_table(pyarrow.Table.from_pylist(held, schema))
            held.clear()

        def write(result: Result) -> None:
            for row in rows({**result, "file": valid_text(result["file"])}, request.level):
                held.append(row)
                if len(held) >= _ROWS_A_GROUP:
                    flush()

        try:
            yield write
            flush()
        finally:
            with reporting(request.output):
                table.close()


@contextmanager
def _open(request: Request) -> Iterator[IO[bytes]]:
    path = request.output
    if path is not None:
        check_free([path], request)
        with in_place(path) as unfinished:
            with reporting(path):
                file = unfinished.open("wb")
            try:
                yield file
            finally:
                with reporting(path):
                    file.close()
        return
    if sys.stdout.isatty():
        raise ResultError(
            "Parquet is no text for a terminal", "Name a file with --output FILE.parquet"
        )
    with tempfile.TemporaryFile() as stream:  # standard output gets a whole table, or nothing
        yield stream
        stream.seek(0)
        shutil.copyfileobj(stream, sys.stdout.buffer)
        sys.stdout.buffer.flush()
