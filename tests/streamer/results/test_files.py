"""Finished files, and what stays where one cannot be finished."""

from __future__ import annotations

import csv
import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from emotiond.exceptions import ResultError
from emotiond.streamer.results.files import check_free, in_place, is_special
from emotiond.streamer.results.writer import Level, Request
from tests.support.disks import make_read_only, needs_disks, small_disk
from tests.support.results import result, writing

TABLES = ("text", "json", "csv", "parquet")
DOCUMENTS = {
    "textgrid": ".TextGrid",
    "elan": ".eaf",
    "audacity": ".txt",
    "webvtt": ".vtt",
    "emotionml": ".emotionml",
}


def test_a_file_is_there_when_it_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "x.csv"
    with in_place(path) as unfinished:
        unfinished.write_text("all of it")
        assert not path.exists()
        assert unfinished.parent == path.parent
    assert path.read_text() == "all of it"
    assert [*path.parent.iterdir()] == [path]


def test_it_has_the_rights_of_every_new_file(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    with in_place(tmp_path / "x.csv"):
        pass
    one, other = (stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "x.csv"))
    assert one == other


@pytest.mark.parametrize("format_name", [*TABLES, *DOCUMENTS])
def test_what_was_there_stays_where_the_work_ends_early(tmp_path: Path, format_name: str) -> None:
    is_table = format_name in TABLES
    path = tmp_path / ("x" if is_table else f"x{DOCUMENTS[format_name]}")
    path.write_text("old")
    output = path if is_table else tmp_path
    files = ["x.wav", "x.wav"]  # two items: the second never comes
    with (
        pytest.raises(KeyboardInterrupt),
        writing(format_name, output, files, overwrite=True) as write,
    ):
        write(result(["happy"]))
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("format_name", [*TABLES, *DOCUMENTS])
def test_a_file_that_is_there_is_replaced_on_demand_alone(tmp_path: Path, format_name: str) -> None:
    is_table = format_name in TABLES
    path = tmp_path / ("x" if is_table else f"x{DOCUMENTS[format_name]}")
    path.write_text("old")
    output = path if is_table else tmp_path
    with pytest.raises(ResultError, match=r"is there already. Add --overwrite"):
        writing(format_name, output).__enter__()
    assert path.read_text() == "old"
    with writing(format_name, output, overwrite=True) as write:
        write(result(["happy"]))
    assert b"happy" in path.read_bytes()


def test_the_table_of_a_run_that_goes_on_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("old")
    with writing("csv", tmp_path / "x.csv", is_resumed=True) as write:
        write(result(["happy"]))
    assert "happy" in (tmp_path / "x.csv").read_text()


def test_no_recording_is_written_over(tmp_path: Path) -> None:
    recording, link = tmp_path / "x.wav", tmp_path / "link.csv"
    recording.touch()
    os.link(recording, link)
    request = Request("files", 0.25, [str(recording)], overwrite=True)
    with pytest.raises(ResultError, match=r"link.csv is a recording"):
        check_free([link], request)


def test_a_table_needs_a_file_and_documents_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match=r"is a folder. Name a file in it"):
        writing("csv", tmp_path).__enter__()
    (tmp_path / "file").touch()
    with pytest.raises(ResultError, match=r"is no folder"):
        writing("elan", tmp_path / "file").__enter__()


def test_a_folder_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ResultError, match=r"cannot write .*Not a directory"):
        writing("csv", tmp_path / "file" / "x.csv").__enter__()


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    link, target = tmp_path / "link.csv", tmp_path / "folder" / "target.csv"
    target.parent.mkdir()
    link.symlink_to("folder/target.csv")
    for text in ("first", "second"):
        with in_place(link) as unfinished:
            unfinished.write_text(text)
        assert link.is_symlink()
        assert target.read_text() == text
    assert [*target.parent.iterdir()] == [target]


@pytest.mark.skipif(os.name != "posix", reason="needs descriptors with names")
def test_a_descriptor_is_written_itself_whatever_it_is(tmp_path: Path) -> None:
    """Otherwise a file would take the place of ``/dev/stdout``, a link to one."""
    with (tmp_path / "redirected").open("w") as file:
        name = Path(f"/dev/fd/{file.fileno()}")
        link = tmp_path / "stdout"
        link.symlink_to(name)
        for path in (name, link):
            check_free([path], Request("files", 0.25, ["x.wav"], output=path))
            with in_place(path) as unfinished:
                assert unfinished == path
    assert link.is_symlink()
    assert not is_special(tmp_path / "redirected")


def test_a_pipe_is_written_itself(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    with writing("csv", pipe) as write:
        write(result(["happy"]))
    reader.join(60)
    assert read[0].startswith("file,duration,")
    assert [*tmp_path.iterdir()] == [pipe]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("format_name", TABLES)
def test_a_full_device_is_reported(format_name: str) -> None:
    def fill() -> None:
        with writing(format_name, Path("/dev/full")) as write:
            write(result(["happy"]))

    with pytest.raises(ResultError, match=r"cannot write /dev/full .*No space left"):
        fill()


@needs_disks
@pytest.mark.parametrize("format_name", [*TABLES, *DOCUMENTS])
def test_a_full_disk_leaves_no_file(tmp_path: Path, format_name: str) -> None:
    def fill(disk: Path) -> None:
        output = disk / "x" if format_name in TABLES else disk
        with writing(format_name, output, level="strides") as write:
            write(result(["happy", "sad"] * 4000))

    with small_disk(tmp_path, 16) as disk:
        with pytest.raises(ResultError, match=r"cannot write .*No space left.*Free some space"):
            fill(disk)
        assert [*disk.iterdir()] == []


@needs_disks
def test_a_disk_that_cannot_be_written_is_reported_before_the_work(tmp_path: Path) -> None:
    with small_disk(tmp_path, 16) as disk:
        make_read_only(disk)
        with pytest.raises(
            ResultError, match=r"cannot write .*Read-only file system\). Name another"
        ):
            writing("csv", disk / "x.csv").__enter__()


ODD = "a\x1b]0;title\x07\x9b31m\u202e\n.wav"


@pytest.mark.skipif(os.name != "posix", reason="needs a terminal")
@pytest.mark.parametrize("format_name", ["text", "json", "csv"])
@pytest.mark.parametrize("level", ["files", "segments"])
def test_a_terminal_shows_a_name_and_does_not_obey_it(
    format_name: str, level: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary, secondary = os.openpty()
    with open(primary, "rb") as screen, open(secondary, "w", encoding="utf-8") as terminal:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdout", terminal)
        with writing(format_name, None, [ODD], level=level) as write:
            write({**result(["happy"]), "file": ODD})
        terminal.write("<all>\n")
        terminal.flush()
        shown = b""
        while b"<all>\r\n" not in shown:
            shown += os.read(screen.fileno(), 4096)
    text = shown.decode()
    assert [c for c in text if c in "\x1b\x07\x9b\u202e"] == []
    assert "a\\" in text
    lines = text.replace("\r", "").splitlines()
    assert len(lines) == (3 if format_name == "csv" else 2)  # also the new line is escaped


def test_a_file_has_every_name_as_it_is(tmp_path: Path) -> None:
    with writing("csv", tmp_path / "x.csv", [ODD]) as write:
        write({**result(["happy"]), "file": ODD})
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["file"] == ODD
