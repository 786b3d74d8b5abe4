"""The table of what could not be analyzed."""

from __future__ import annotations

import csv
from pathlib import Path

from emotiond.exceptions import SourceError
from emotiond.streamer.batch.errors_table import row_of, write_errors
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


def test_without_errors_the_table_of_an_earlier_run_goes(tmp_path: Path) -> None:
    path = tmp_path / "out.csv.errors.csv"
    write_errors(path, [])
    assert not path.exists()
    write_errors(path, [row_of(Item("a.wav"), error("a.wav"))])
    write_errors(path, [])
    assert not path.exists()


def test_a_file_of_somebody_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "out.csv.errors.csv"
    path.write_text("mine")
    write_errors(path, [])
    assert path.read_text() == "mine"
