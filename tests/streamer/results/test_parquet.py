"""Tables in Parquet, read by pyarrow."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from emotiond.exceptions import ResultError
from emotiond.streamer.results.columns import COLUMNS
from emotiond.streamer.results.writer import Level
from tests.support.results import result, writing

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


@pytest.mark.parametrize("level", ["files", "segments", "strides"])
def test_it_has_the_columns_and_values_of_csv(tmp_path: Path, level: Level) -> None:
    items = [result(["happy", None, "?"]), result([None]), result(["sad"], channel=2)]
    for format_name in ("parquet", "csv"):
        with writing(format_name, tmp_path / format_name, level=level) as write:
            for item in items:
                write(item)
    table = parquet.read_table(tmp_path / "parquet")
    with (tmp_path / "csv").open(encoding="utf-8", newline="") as file:
        wanted = [*csv.DictReader(file)]
    assert tuple(table.column_names) == COLUMNS[level]
    found: list[dict[str, Any]] = table.to_pylist()
    assert [
        {name: "" if value is None else str(value) for name, value in row.items()} for row in found
    ] == wanted


def test_the_types_do_not_depend_on_the_values(tmp_path: Path) -> None:
    with writing("parquet", tmp_path / "x", level="segments") as write:
        write(result([None]))
    types = {field.name: str(field.type) for field in parquet.read_schema(tmp_path / "x")}
    assert types["file"] == types["label"] == types["state"] == "string"
    assert types["channel"] == "int32"
    assert {types[name] for name in types if name.startswith("score_")} == {"double"}


def test_many_rows_are_written_in_groups(tmp_path: Path) -> None:
    with writing("parquet", tmp_path / "x", level="strides") as write:
        write(result(["sad"] * 20_000))
    assert parquet.ParquetFile(tmp_path / "x").num_row_groups == 3
    assert parquet.read_table(tmp_path / "x").num_rows == 20_000


def test_no_results_are_a_table_without_rows(tmp_path: Path) -> None:
    with writing("parquet", tmp_path / "x"):
        pass
    assert parquet.read_table(tmp_path / "x").num_rows == 0


def test_a_name_that_is_no_text_is_escaped(tmp_path: Path) -> None:
    with writing("parquet", tmp_path / "x") as write:
        write(result(["sad"], file="\udcff.wav"))
    assert parquet.read_table(tmp_path / "x")["file"].to_pylist() == ["\\udcff.wav"]


def test_standard_output_gets_a_whole_table(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    with writing("parquet", None) as write:
        write(result(["sad"]))
    (tmp_path / "x").write_bytes(capfdbinary.readouterr().out)
    assert parquet.read_table(tmp_path / "x")["label"].to_pylist() == ["sad"]


def test_standard_output_gets_nothing_where_the_work_ends_early(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    with pytest.raises(KeyboardInterrupt), writing("parquet", None) as write:
        write(result(["sad"]))
        raise KeyboardInterrupt
    assert capfdbinary.readouterr().out == b""


def test_a_terminal_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with pytest.raises(ResultError, match=r"no text for a terminal. Name a file with --output"):
        writing("parquet", None).__enter__()
