"""Tables in Parquet from anywhere: damaged, of another kind, or too large."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emotiond.exceptions import ConfigError
from emotiond.streamer.batch import parquet_rows as module
from emotiond.streamer.batch.parquet_rows import parquet_rows

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

SMALL = {"file": ["a.wav", None, "a.wav"], "start": [0.5, None, 2], "other": [[1], [], None]}


def written(columns: Mapping[str, Any] | list[tuple[str, Any]], **options: Any) -> bytes:
    pairs = columns.items() if isinstance(columns, Mapping) else columns
    names, arrays = zip(*pairs, strict=True)
    into = io.BytesIO()
    parquet.write_table(
        pyarrow.Table.from_arrays([pyarrow.array(each) for each in arrays], names), into, **options
    )
    return into.getvalue()


def rows(content: bytes) -> list[tuple[str, Mapping[str, Any]]]:
    return [*parquet_rows("t.parquet", io.BytesIO(content))]


@pytest.mark.parametrize("options", [{}, {"row_group_size": 2}, {"use_dictionary": False}])
def test_each_row_has_its_place_and_what_is_wanted(options: dict[str, Any]) -> None:
    assert rows(written(SMALL, **options)) == [
        ("t.parquet, row 1", {"file": "a.wav", "start": 0.5}),
        ("t.parquet, row 2", {"file": None, "start": None}),
        ("t.parquet, row 3", {"file": "a.wav", "start": 2.0}),
    ]


@pytest.mark.parametrize(
    "texts", [pyarrow.large_string(), pyarrow.dictionary(pyarrow.int32(), pyarrow.string())]
)
def test_paths_may_be_any_texts(texts: Any) -> None:
    found = rows(written({"path": pyarrow.array(["a.wav", "b.wav"]).cast(texts)}))
    assert [values for _, values in found] == [{"file": "a.wav"}, {"file": "b.wav"}]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_durations_are_seconds(unit: str) -> None:
    times = pyarrow.array([3, None], pyarrow.int64()).cast(pyarrow.duration(unit))
    (_, first), (_, second) = rows(written({"file": ["a.wav", "b.wav"], "start": times}))
    assert first["start"] == 3 / {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}[unit]
    assert second["start"] is None


@pytest.mark.parametrize("name", ["file", "start"])
def test_two_columns_of_one_name_are_refused(name: str) -> None:
    columns = [("file", ["a.wav"]), ("start", [0.0]), (name, ["b.wav"])]
    with pytest.raises(ConfigError, match=rf"t\.parquet: the table has 2 columns '{name}'\. Leave"):
        rows(written(columns))


def test_two_columns_of_a_name_that_nobody_wants_do_no_harm() -> None:
    columns = [("x", [1]), ("file", ["a.wav"]), ("x", [2]), ("file.x", [3])]
    assert rows(written(columns)) == [("t.parquet, row 1", {"file": "a.wav"})]


WHOLE = written(SMALL)


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[:-4],
        lambda whole: whole[:60],
        lambda _: b"PAR1",
        lambda whole: whole[:-30] + b"\xff" * 22 + whole[-8:],
        lambda whole: whole[:-8] + b"\xff\xff\xff\x7fPAR1",
        lambda whole: whole[:-8] + bytes(4) + b"PAR1",
        lambda whole: whole[:4] + b"\xff" * 30 + whole[34:],
        lambda whole: whole[:-8] + whole[-8:-4] + b"PARE",
    ],
)
def test_a_damaged_table_is_named_as_such(damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(
        ConfigError,
        match=r"^t\.parquet: this table in Parquet is damaged, or cut off \(.+\)\. Write",
    ) as refused:
        rows(damage(WHOLE))
    assert "\n" not in str(refused.value)


def test_any_byte_may_be_damaged() -> None:
    for at in range(4, len(WHOLE), 7):
        damaged = bytearray(WHOLE)
        damaged[at] ^= 0xFF
        try:
            rows(bytes(damaged))
        except ConfigError as refused:
            assert str(refused).startswith("t.parquet: ")  # noqa: PT017


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"file": [1]}, "the column 'file' holds int64"),
        ({"file": [b"a.wav"]}, "the column 'file' holds binary"),
        ({"file": [["a.wav"]]}, "the column 'file' holds list"),
        ({"file": ["a.wav"], "start": [[1.0]]}, "the column 'start' holds list"),
        ({"file": ["a.wav"], "end": [True]}, "the column 'end' holds bool"),
    ],
)
def test_a_column_of_another_kind_is_refused(columns: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=rf"t\.parquet: {said}.*Write paths as texts"):
        rows(written(columns))


def test_more_rows_than_a_run_may_have_are_refused_before_they_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_ENTRIES", 2)
    monkeypatch.setattr(parquet, "ParquetFile", None)
    with pytest.raises(
        ConfigError, match=r"t\.parquet names more than .* recordings\. Cut them up"
    ):
        rows(WHOLE)


def test_a_group_of_rows_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_GROUP_BYTES", 100)
    with pytest.raises(ConfigError, match=r"a group of its rows has more than 0 MiB\. Write"):
        rows(written({"file": [f"{number:05}.wav" for number in range(50)]}))


def test_the_sizes_of_columns_are_not_asked_for() -> None:
    """pyarrow ends the process where that of one is damaged, so nothing could be caught."""

    class Group:
        total_byte_size = 100

        def column(self, at: int) -> None:
            raise AssertionError(at)

    about = SimpleNamespace(num_rows=1, num_row_groups=1, row_group=lambda _: Group(), schema=())
    module._refuse_large("t.parquet", about)


def test_a_text_of_many_rows_does_not_take_its_memory_many_times() -> None:
    """Parquet writes it once: thousands of rows of a megabyte each can be a small file."""
    texts = pyarrow.DictionaryArray.from_arrays([0] * 2000, ["a" * 50_000])
    with pytest.raises(ConfigError, match="a text in it has more than 32 KiB"):
        rows(written({"file": texts}, dictionary_pagesize_limit=2**20))


@pytest.mark.skipif(sys.platform == "win32", reason="measures as POSIX does")
def test_the_rows_of_a_large_table_are_not_in_memory_at_once(tmp_path: Path) -> None:
    import resource  # Windows has no such module

    count, path = 1_000_000, tmp_path / "t.parquet"
    times = pyarrow.array(range(count))
    files = pyarrow.array([f"{number % 1000}.wav" for number in range(1000)] * (count // 1000))
    parquet.write_table(pyarrow.table({"file": files, "start": times}), path)
    del times, files
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with path.open("rb") as file:
        assert sum(1 for _ in parquet_rows("t.parquet", file)) == count
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * (1 if sys.platform == "darwin" else 1024) < 30_000_000
