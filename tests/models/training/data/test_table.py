"""A table of one's own recordings: every fault is one line that names the line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emotiond.exceptions import DataError
from emotiond.models.training.data.table import Table, read_label_map, read_table

LABELS = {"joy": "happy", "grief": "sad", "boredom": ""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.wav").touch()
    return tmp_path


def read(folder: Path, *lines: str, head: str = "path,speaker,label") -> Table:
    path = folder / "clips.csv"
    path.write_text("\n".join((head, *lines)) + "\n", "utf-8")
    return read_table(path, LABELS)


def test_rows_have_the_label_of_the_map_and_a_path_beside_the_table(folder: Path) -> None:
    (row,) = read(folder, " a.wav , anna , joy ").rows
    assert (row.line, row.path, row.speaker, row.label) == (2, folder / "a.wav", "anna", "happy")
    assert row.whole


def test_segments_have_seconds_and_columns_any_order(folder: Path) -> None:
    lines = ("1.5,joy,anna,a.wav,3", ",grief,anna,a.wav,")
    part, whole = read(folder, *lines, head="start,label,speaker,path,end").rows
    assert (part.start_seconds, part.end_seconds, part.whole) == (1.5, 3.0, False)
    assert (whole.label, whole.whole) == ("sad", True)


def test_an_empty_label_of_the_map_leaves_clips_out_and_counts_them(folder: Path) -> None:
    table = read(folder, "a.wav,anna,joy", "a.wav,anna,boredom")
    assert (len(table.rows), table.left_out) == (1, 1)


def test_a_byte_order_mark_and_commas_in_quotes_are_read(folder: Path) -> None:
    (folder / "a, b.wav").touch()
    path = folder / "clips.csv"
    path.write_bytes(b'\xef\xbb\xbfpath,speaker,label\r\n"a, b.wav",anna,joy\r\n')
    assert read_table(path, LABELS).rows[0].path == folder / "a, b.wav"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("b.wav,anna,joy,,", "there is no file"),
        ("a.wav,,joy,,", "its speaker is empty"),
        ("a.wav,anna", "its label is empty"),
        ("a.wav,anna,rage,,", "'rage' is not in the map of labels"),
        ("a.wav,anna,joy,x,", "its start is 'x', not a number of seconds"),
        ("a.wav,anna,joy,nan,", "its start is 'nan'"),
        ("a.wav,anna,joy,,-1", "its end is '-1'"),
        ("a.wav,anna,joy,,inf", "its end is 'inf'"),
        ("a.wav,anna,joy,2,2", "it ends at 2 s, not after its start at 2 s"),
        ('"\x1b[2J\n.wav",anna,joy,,', r"there is no file .*\\x1b\[2J\\n\.wav"),
    ],
)
def test_each_fault_is_a_line_with_its_number(
    folder: Path, capsys: pytest.CaptureFixture[str], line: str, fault: str
) -> None:
    with pytest.raises(DataError, match=r"clips\.csv has 1 faults.*named above"):
        read(folder, "a.wav,anna,joy,,", line, head="path,speaker,label,start,end")
    (said,) = capsys.readouterr().err.splitlines()
    assert "clips.csv, line " in said
    assert re.search(fault, said)


def test_all_faults_are_counted_and_the_first_twenty_shown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match="has 30 faults, of which 10 are not shown"):
        read(folder, *["b.wav,anna,joy"] * 30)
    assert len(capsys.readouterr().err.splitlines()) == 20


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "has no column path and no column speaker and no column label"),
        (b"path;speaker;label\na.wav;anna;joy\n", "no column path"),
        (b"path,speaker,label\n\xff,anna,joy\n", "cannot read"),
        (b'path,speaker,label\n"a.wav,anna,joy\n', "cannot read"),
        (b"path,speaker,label\n", "names no recordings"),
    ],
)
def test_a_file_that_is_no_table_is_one_line(folder: Path, content: bytes, fault: str) -> None:
    path = folder / "clips.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=fault) as caught:
        read_table(path, LABELS)
    assert "\n" not in str(caught.value)


def test_a_missing_table_is_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv"):
        read_table(folder / "none.csv", LABELS)


def test_a_map_is_read(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("own,label\njoy,happy\ngrief,sad\nboredom,\n", "utf-8")
    assert read_label_map(path) == LABELS


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("rage,furious", "'furious' is none of neutral, calm"),
        ("joy,sad", "'joy' stands there twice"),
    ],
)
def test_a_map_with_a_fault_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, fault: str
) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(f"own,label\njoy,happy\n{line}\n", "utf-8")
    with pytest.raises(DataError, match=r"labels\.csv has 1 faults"):
        read_label_map(path)
    assert f"labels.csv, line 3: {fault}" in capsys.readouterr().err
