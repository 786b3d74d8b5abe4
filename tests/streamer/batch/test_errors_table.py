"""The table of what could not be analyzed."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from emotiond.exceptions import ResultError, SourceError
from emotiond.streamer.batch.errors_table import (
    COLUMNS,
    check_errors,
    remove_errors,
    row_of,
    write_errors,
)
from emotiond.streamer.batch.item import Item


def error(file: str) -> SourceError:
    return SourceError(f"{file}: it is damaged", "Convert it again")


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def test_any_name_is_a_cell_and_none_is_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "out.csv.errors.csv"
    items = [Item("new\nline.wav", 1.5, None, 2), Item("=1+1.wav"), Item("\udcff.wav")]
    write_errors(path, [row_of(item, error(item.file)) for item in items])
    first, formula, odd = read(path)
    assert first == {
        "file": "new\nline.wav",
        "start": "1.5",
        "end": "",
        "channel": "2",
        "problem": "new\nline.wav: it is damaged",
        "remedy": "Convert it again",
    }
    assert (formula["file"], formula["problem"]) == ("./=1+1.wav", "./=1+1.wav: it is damaged")
    assert odd["file"] == "\\udcff.wav"


@pytest.mark.parametrize("delimiter", ",;\t")
@pytest.mark.parametrize("name", ["a;=1+1;.wav", 'a;"=1+1";.wav', "a\n=1+1;.wav", "a\t=1;.wav"])
def test_no_part_of_a_name_is_a_formula_either(tmp_path: Path, name: str, delimiter: str) -> None:
    path = tmp_path / "out.csv.errors.csv"
    write_errors(path, [row_of(Item(name), error(name))])
    assert read(path)[0]["file"] == name
    with path.open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file, delimiter=delimiter) for cell in row]
    assert not any(cell.startswith("=") for cell in cells)


def test_without_errors_the_table_of_an_earlier_run_goes(tmp_path: Path) -> None:
    path = tmp_path / "out.csv.errors.csv"
    remove_errors(path)
    assert not path.exists()
    write_errors(path, [row_of(Item("a.wav"), error("a.wav"))])
    remove_errors(path)
    assert not path.exists()


def test_a_file_of_somebody_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "out.csv.errors.csv"
    path.write_text("mine")
    remove_errors(path)
    assert path.read_text() == "mine"


def refused(path: Path, *recordings: Path, overwrite: bool = False) -> str:
    with pytest.raises(ResultError) as before:
        check_errors(path, map(str, recordings), overwrite=overwrite)
    rows = [row_of(Item("a.wav"), error("a.wav"))]
    with pytest.raises(ResultError) as at_the_end:
        write_errors(path, rows, map(str, recordings), overwrite=overwrite)
    assert str(before.value) == str(at_the_end.value)
    return str(before.value)


@pytest.mark.parametrize("overwrite", [False, True])
def test_the_table_goes_through_no_link(tmp_path: Path, overwrite: bool) -> None:
    path, target = tmp_path / "out.csv.errors.csv", tmp_path / "precious.wav"
    path.symlink_to(target)
    assert "is a link, and the table of errors" in refused(path, overwrite=overwrite)
    assert not target.exists()
    target.write_text(",".join(COLUMNS))
    refused(path, overwrite=overwrite)
    remove_errors(path)
    assert path.is_symlink()
    assert target.read_text() == ",".join(COLUMNS)


@pytest.mark.parametrize("overwrite", [False, True])
def test_the_table_replaces_no_recording(tmp_path: Path, overwrite: bool) -> None:
    path, recording = tmp_path / "out.csv.errors.csv", tmp_path / "a.wav"
    path.write_text(",".join(COLUMNS))
    recording.hardlink_to(path)
    said = refused(path, recording, overwrite=overwrite)
    assert "is a recording, and the table of errors goes there. Move it away" in said
    assert recording.read_text() == ",".join(COLUMNS)


@pytest.mark.parametrize("overwrite", [False, True])
def test_the_table_waits_for_no_pipe(tmp_path: Path, overwrite: bool) -> None:
    path = tmp_path / "out.csv.errors.csv"
    os.mkfifo(path)
    assert "is no file" in refused(path, overwrite=overwrite)
    remove_errors(path)
    assert path.is_fifo()


@pytest.mark.parametrize("content", ["", "mine", ",".join(COLUMNS)[:-1], ",".join(COLUMNS) + "s"])
def test_a_file_of_another_kind_is_replaced_on_demand(tmp_path: Path, content: str) -> None:
    path = tmp_path / "out.csv.errors.csv"
    path.write_text(content)
    assert "is no table of errors. Add --overwrite to replace it" in refused(path)
    assert path.read_text() == content
    write_errors(path, [row_of(Item("a.wav"), error("a.wav"))], overwrite=True)
    assert [row["file"] for row in read(path)] == ["a.wav"]


def test_the_table_of_an_earlier_run_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "out.csv.errors.csv"
    for name in ("a.wav", "b.wav"):
        check_errors(path, [], overwrite=False)
        write_errors(path, [row_of(Item(name), error(name))])
    assert [row["file"] for row in read(path)] == ["b.wav"]
