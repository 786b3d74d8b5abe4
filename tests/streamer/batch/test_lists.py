"""Lists of recordings, and tables of segments."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.exceptions import ConfigError, SourceError
from emotiond.streamer.batch.item import Item, Refusal
from emotiond.streamer.batch.lists import read_list

HEAD = "file,start,end\n"


def listed(tmp_path: Path, name: str, content: str | bytes) -> list[object]:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [*read_list(str(path))]


def item(tmp_path: Path, name: str, *segment: object) -> Item:
    return Item(str(tmp_path / name), *segment)  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [b"a.wav\nb c.wav\n", b"\xef\xbb\xbfa.wav\r\n\r\nb c.wav"])
def test_a_text_has_a_path_in_each_line(tmp_path: Path, content: bytes) -> None:
    paths = [str(tmp_path / "a.wav"), str(tmp_path / "b c.wav")]
    assert listed(tmp_path, "list.txt", content) == paths


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["list.txt", "table.csv"])
def test_a_text_in_utf_16_is_refused(tmp_path: Path, name: str, encoding: str) -> None:
    """Windows PowerShell writes it. Each character was a path: ``/`` had all of the disk read."""
    with pytest.raises(ConfigError, match=rf"{name}: this text is UTF-16\. Save it in UTF-8"):
        listed(tmp_path, name, "\ufefffile\n/a/b.wav\n".encode(encoding))


def test_a_recording_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"talk\.WAV: this is a recording and no list\. Leave the"
    ):
        listed(tmp_path, "talk.WAV", b"RIFF\0.\0/\0")


def test_zeros_part_names_that_hold_new_lines_and_odd_bytes(tmp_path: Path) -> None:
    found = listed(tmp_path, "list", b"a\nb.wav\0\xff.wav\0/abs.wav\0")
    assert found == [str(tmp_path / "a\nb.wav"), str(tmp_path / "\udcff.wav"), "/abs.wav"]


def test_a_table_has_segments(tmp_path: Path) -> None:
    rows = 'a.wav,1.5,2\n"b, c.wav",,\n"new\nline.wav",0,\n'
    assert listed(tmp_path, "t.csv", HEAD + rows) == [
        item(tmp_path, "a.wav", 1.5, 2.0),
        item(tmp_path, "b, c.wav", None, None),
        item(tmp_path, "new\nline.wav", 0.0, None),
    ]


def test_a_channel_may_be_written_as_pandas_does(tmp_path: Path) -> None:
    assert listed(tmp_path, "t.csv", "file,channel\na.wav,2.0\nb.wav,\n") == [
        item(tmp_path, "a.wav", None, None, 2),
        item(tmp_path, "b.wav", None, None, None),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_may_have_other_columns_names_and_delimiters(
    tmp_path: Path, delimiter: str
) -> None:
    rows = [["Speaker", "Path", "Onset", "Offset", "channel"], ["anna", "a.wav", "1", "2", "2"]]
    text = "\n".join(delimiter.join(row) for row in rows)
    assert listed(tmp_path, "t.tsv", text) == [item(tmp_path, "a.wav", 1.0, 2.0, 2)]


def test_the_times_of_audformat_are_read(tmp_path: Path) -> None:
    row = "a.wav,0 days 00:00:01.500000,1 days 01:00:00\nb.wav,0 days 00:00:00,NaT\n"
    assert listed(tmp_path, "db.emotion.csv", HEAD + row) == [
        item(tmp_path, "a.wav", 1.5, 90_000.0),
        item(tmp_path, "b.wav", 0.0, None),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.wav,2,1", "ends at 1 s, before it begins"),
        ("a.wav,2,2", "before it begins"),
        ("a.wav,-1,2", "'-1' is no time"),
        ("a.wav,soon,2", "'soon' is no time"),
        ("a.wav,inf,", "'inf' is no time"),
        ("a.wav,1e308,", "'1e308' is no time"),
        (",1,2", "it names no file"),
        ("a.wav,0.1000002,0.1000001", "ends at 0.1000001 s, before it begins"),
        ("a.wav,,,1e300", "'1e300' is no channel, of which the first is 1"),
        ("a.wav,,,1.9", "'1.9' is no channel"),
        ("a.wav,,,65536", "'65536' is no channel"),
        ("a.wav,,,-inf", "'-inf' is no channel"),
        ("a.wav,,,left", "'left' is no channel"),
        ("a.wav,,,1_0", "'1_0' is no channel"),
        ("a.wav,1_0,", "'1_0' is no time"),
    ],
)
def test_a_wrong_row_is_named_and_the_others_are_read(
    tmp_path: Path, row: str, reason: str
) -> None:
    head = HEAD.replace("\n", ",channel\n")
    refusal, good = listed(tmp_path, "t.csv", f"{head}{row}\nb.wav,1,2\n")
    assert isinstance(refusal, Refusal)
    assert "t.csv, line 2: " in str(refusal.error)
    assert reason in str(refusal.error)
    assert good == item(tmp_path, "b.wav", 1.0, 2.0)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("t.csv", "speaker,start\nanna,1\n", "no column 'file'"),
        ("t.csv", "", "no column 'file'"),
        ("t.csv", HEAD, "has no rows"),
        ("t.csv", "file,start,File\na.wav,1,b.wav\n", "has 2 columns 'file'. Leave one of them"),
        ("t.csv", "file,end,end\na.wav,1,2\n", "has 2 columns 'end'"),
        ("list.txt", "a.wav" * 300_000, "a line has more than 1 MiB: this is no list"),
        ("list.txt", "a.wav\0" + "b" * 2_000_000, "a line has more than 1 MiB"),
        ("t.csv", HEAD + "a" * 2_000_000, "a line has more than 1 MiB"),
        ("t.csv", "\xff\xfef\0i\0", "no column 'file'"),
        ("t.parquet", "PAR1 and no more", "is damaged, or cut off .* Write or copy it again"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, content: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        listed(tmp_path, name, content)


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        [*read_list(str(tmp_path / "none.txt"))]


def test_parquet_as_audformat_writes_it(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    spans = pyarrow.duration("ns")
    table = pyarrow.table(
        {
            "file": ["a.wav", "b.wav"],
            "start": pyarrow.array([1_500_000_000, 0], spans),
            "end": pyarrow.array([2_250_000_000, None], spans),
            "emotion": ["happy", None],
        }
    )
    written = io.BytesIO()
    parquet.write_table(table, written)
    assert listed(tmp_path, "db.emotion.parquet", written.getvalue()) == [
        item(tmp_path, "a.wav", 1.5, 2.25),
        item(tmp_path, "b.wav", 0.0, None),
    ]


@pytest.mark.skipif(os.name != "posix", reason="needs named pipes")
@pytest.mark.parametrize("content", [b"a.wav\nb.wav\n", b"a.wav\0b.wav"])
def test_a_list_may_come_through_a_pipe(tmp_path: Path, content: bytes) -> None:
    pipe = tmp_path / "list"
    os.mkfifo(pipe)
    writing = threading.Thread(target=lambda: pipe.write_bytes(content))
    writing.start()
    assert [*read_list(str(pipe))] == [str(tmp_path / "a.wav"), str(tmp_path / "b.wav")]
    writing.join()


@pytest.mark.skipif(os.name != "posix", reason="needs named pipes")
def test_a_pipe_that_does_not_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emotiond.streamer.batch.lists._MOST_PIPE_BYTES", 1000)
    pipe = tmp_path / "list"
    os.mkfifo(pipe)
    writing = threading.Thread(target=lambda: pipe.write_bytes(bytes(1001)))
    writing.start()
    with pytest.raises(ConfigError, match=r"it is larger than .* Cut it up"):
        [*read_list(str(pipe))]
    writing.join()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_table_may_have_the_ends_of_lines_of_any_system(tmp_path: Path, end: str) -> None:
    found = listed(tmp_path, "t.csv", end.join(["file,start", "a.wav,1", "b.wav,2", ""]))
    assert found == [item(tmp_path, "a.wav", 1.0), item(tmp_path, "b.wav", 2.0)]


def test_without_pyarrow_the_command_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"only pyarrow reads Parquet.*pip install pyarrow"):
        listed(tmp_path, "t.parquet", "PAR1")


@given(st.binary(max_size=200))
def test_any_content_is_a_list_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()
    for name in ("any.csv", "any.txt"):
        with contextlib.suppress(ConfigError):
            for entry in listed(folder, name, content):
                assert isinstance(entry, str | Item | Refusal)
