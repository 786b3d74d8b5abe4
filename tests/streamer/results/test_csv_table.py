"""Tables in CSV."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from emotiond.inference.card import LABELS
from emotiond.streamer.results.writer import Level
from tests.support.results import result, scored, writing

SCORES = [f"score_{label}" for label in LABELS]


def table(path: Path, *results: dict[str, object], level: Level = "segments") -> list[list[str]]:
    with writing("csv", path / "x.csv", level=level) as write:
        for each in results:
            write(each)
    with (path / "x.csv").open(encoding="utf-8", newline="") as file:
        return [*csv.reader(file)]


def test_files_have_the_columns_of_old_and_then_those_of_spans(tmp_path: Path) -> None:
    head, row = table(tmp_path, result(["happy", "happy", None, "?"]), level="files")
    shares = [f"{label}_share" for label in LABELS]
    old = ["file", "duration", "label", "confidence", *LABELS, *shares]
    assert head == [*old, "start", "end", "speech_seconds", *SCORES, "channel"]
    cells = dict(zip(head, row, strict=True))
    assert (cells["label"], cells["start"], cells["end"]) == ("happy", "0.0", "1.005")
    assert cells["happy"] == cells["score_happy"] == "0.65"
    assert cells["speech_seconds"] == "0.6"
    assert (cells["happy_share"], cells["sad_share"], cells["channel"]) == ("0.5", "0.0", "")


@pytest.mark.parametrize("level", ["segments", "strides"])
def test_spans_have_a_row_each(tmp_path: Path, level: Level) -> None:
    head, *rows = table(tmp_path, result(["happy", "happy", None]), level=level)
    assert head == [
        *("file", "start", "end", "label", "confidence", "speech_seconds"),
        *(*SCORES, "state", "channel"),
    ]
    scores = [str(score) for score in scored("happy").values()]
    silence = ["", "", "0.0", *[""] * 8, "silence", ""]
    if level == "segments":
        assert rows == [
            ["x.wav", "0.0", "0.5", "happy", "0.65", "0.4", *scores, "speech", ""],
            ["x.wav", "0.5", "0.755", *silence],
        ]
    else:
        assert [row[1:4] for row in rows] == [
            ["0.0", "0.25", "happy"],
            ["0.25", "0.5", "happy"],
            ["0.5", "0.755", ""],
        ]


def test_a_file_without_speech_has_rows_too(tmp_path: Path) -> None:
    _, row = table(tmp_path, result([None, None]))
    assert row[:4] == ["x.wav", "0.0", "0.505", ""]


def test_channels_and_segments_say_which(tmp_path: Path) -> None:
    item = {**result(["sad"], start=60.0), "start": 60.0, "end": 60.255, "channel": 2}
    head, row = table(tmp_path, item, level="files")
    cells = dict(zip(head, row, strict=True))
    assert (cells["start"], cells["end"], cells["channel"]) == ("60.0", "60.255", "2")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("=cmd|' /C calc'!A0.wav", "./=cmd|' /C calc'!A0.wav"),
        ("+1.wav", "./+1.wav"),
        ("-1.wav", "./-1.wav"),
        ("@SUM(A1).wav", "./@SUM(A1).wav"),
        ("\t=1.wav", "./\t=1.wav"),
        ("\r=1.wav", "./\r=1.wav"),
        ("-", "-"),
        ("a=1.wav", "a=1.wav"),
        ('two\nlines, "quoted".wav', 'two\nlines, "quoted".wav'),
        ("\udcff.wav", "\\udcff.wav"),
    ],
)
def test_no_name_is_a_formula_for_a_spreadsheet(tmp_path: Path, name: str, written: str) -> None:
    _, row = table(tmp_path, result(["sad"], file=name), level="files")
    assert row[0] == written


@pytest.mark.parametrize("delimiter", ",;\t")
@pytest.mark.parametrize(
    "name", ["a;=1+1;.wav", "a\t=1+1\t.wav", 'a;"=1+1";.wav', "a\n=1+1;.wav", "a,=1+1,.wav"]
)
def test_no_part_of_a_name_is_a_formula_where_cells_are_parted_otherwise(
    tmp_path: Path, name: str, delimiter: str
) -> None:
    """Spreadsheets of many countries part them at semicolons."""
    with writing("csv", tmp_path / "out.csv") as write:
        write(result(["sad"], file=name))
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        _, (first, *others) = csv.reader(file, delimiter=delimiter)
    assert first.startswith(name)
    assert not any(cell.startswith("=") for cell in others)


def test_standard_output_shows_a_row_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with writing("csv", None) as write:
        write(result(["sad"]))
        assert len(capsys.readouterr().out.splitlines()) == 2
