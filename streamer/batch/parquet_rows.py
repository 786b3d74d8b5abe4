"""Reads a table of recordings in Parquet by pyarrow, a part at a time. It may be from anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from emotiond.exceptions import ConfigError, install
from emotiond.streamer.batch.columns import columns_of
from emotiond.streamer.batch.entries import MOST_ENTRIES, too_many

_ROWS_AT_A_TIME = 1024
_BUFFER_BYTES = 2**20
_MOST_GROUP_BYTES = 2**28
"""Of a group of rows, as the header of the table says."""
_LONGEST_TEXT_BYTES = 2**15
_STEPS_A_SECOND = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}


def parquet_rows(name: str, file: BinaryIO) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each row with its place.

    Args:
        name: the table, for messages.
        file: its content, which can seek.

    Raises:
        ConfigError: it is damaged, too large or no table of recordings, or pyarrow is missing.
        OSError: the file cannot be read.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise ConfigError(f"{name}: only pyarrow reads Parquet", install("pyarrow")) from None
    try:
        about = parquet.read_metadata(file)
        schema = about.schema.to_arrow_schema()
        columns = {key: schema.field(at) for key, at in columns_of(name, schema.names).items()}
        _refuse_large(name, about)
        texts = [column.name for key, column in columns.items() if _is_text(name, key, column)]
        file.seek(0)
        # Texts as they are written: one of many rows is in memory once.
        table = parquet.ParquetFile(
            file, metadata=about, buffer_size=_BUFFER_BYTES, read_dictionary=texts
        )
        count, wanted = 0, [column.name for column in columns.values()]
        for batch in table.iter_batches(_ROWS_AT_A_TIME, columns=wanted, use_threads=False):
            values = [_plain(name, batch.column(title)) for title in wanted]
            for row in zip(*values, strict=True):
                count += 1
                yield f"{name}, row {count}", dict(zip(columns, row, strict=True))
    except (pyarrow.ArrowException, OSError, ValueError, MemoryError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # what the system says; pyarrow's own has no number
        if isinstance(error, MemoryError):
            raise ConfigError(f"{name}: there is too little memory for it", _OTHERWISE) from None
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError(
            f"{name}: this table in Parquet is damaged, or cut off ({reason:.200})",
            "Write or copy it again",
        ) from None


_OTHERWISE = "Write it in smaller groups of rows, or as CSV"


def _refuse_large(name: str, about: Any) -> None:
    """Refuse by its header what would not fit into memory.

    Columns are not asked for their own sizes: pyarrow 26 ends the process where one is damaged.
    """
    if about.num_rows > MOST_ENTRIES:
        raise too_many(f"{name} names")
    for number in range(about.num_row_groups):
        if about.row_group(number).total_byte_size > _MOST_GROUP_BYTES:
            raise ConfigError(
                f"{name}: a group of its rows has more than {_MOST_GROUP_BYTES // 2**20} MiB",
                _OTHERWISE,
            )


def _is_text(name: str, key: str, column: Any) -> bool:
    """Return whether a column holds texts. Refuse one that can hold nothing that is wanted."""
    from pyarrow import types

    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    if types.is_string(kind) or types.is_large_string(kind):
        return True
    is_number = types.is_integer(kind) or types.is_floating(kind) or types.is_duration(kind)
    if types.is_null(kind) or (is_number and key != "file" and kind is column.type):
        return False
    raise ConfigError(
        f"{name}: the column '{column.name}' holds {column.type!s:.50}",
        "Write paths as texts, and times as numbers of seconds, or durations",
    )


def _plain(name: str, column: Any) -> Sequence[Any]:
    """Return the values of a column; those that last so long, in seconds."""
    import pyarrow
    from pyarrow import compute

    if pyarrow.types.is_dictionary(column.type):
        longest = compute.max(compute.binary_length(column.dictionary)).as_py()
        if longest is not None and longest > _LONGEST_TEXT_BYTES:
            raise ConfigError(
                f"{name}: a text in it has more than {_LONGEST_TEXT_BYTES // 2**10} KiB",
                "Write paths and times alone into these columns",
            )
        column = column.dictionary_decode()
    if not pyarrow.types.is_duration(column.type):
        values: Sequence[Any] = column.to_pylist()
        return values
    steps = _STEPS_A_SECOND[column.type.unit]
    counts = column.cast(pyarrow.int64()).to_pylist()
    return [None if count is None else count / steps for count in counts]
