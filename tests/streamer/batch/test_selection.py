"""What the arguments of the command name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from emotiond.exceptions import ConfigError
from emotiond.streamer.batch.item import Item, Refusal
from emotiond.streamer.batch.selection import select


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a.wav", "in/b.wav", "in/deep/c.wav", "in/readme", "@odd.wav", "x[1].wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def files(*arguments: str) -> list[str]:
    return [entry.file for entry in select(arguments).entries if isinstance(entry, Item)]


def test_arguments_keep_their_order(folder: Path) -> None:
    assert files("in", "missing.wav", "a.wav") == [
        "in/b.wav",
        "in/deep/c.wav",
        "missing.wav",
        "a.wav",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["a.wav", "./a.wav", "in/../a.wav", "in", "in/deep", "in/b.wav"],
        ["a.wav", "in/**", "**"],
        ["a.wav", "in", "in/deep/c.wav", "@list.txt"],
    ],
)
def test_a_file_comes_once_however_often_it_is_named(arguments: list[str], folder: Path) -> None:
    (folder / "list.txt").write_text("in\nin/b.wav\na.wav\n")
    found = files(*arguments)
    assert found[:3] == ["a.wav", "in/b.wav", "in/deep/c.wav"]
    assert len({os.path.realpath(file) for file in found}) == len(found)
    assert select(arguments).repeated >= 2


def test_files_of_one_name_and_links_to_one_file_all_come(folder: Path) -> None:
    (folder / "in/a.wav").touch()
    (folder / "link.wav").symlink_to("a.wav")
    (folder / "in/up").symlink_to(folder / "in/deep")
    assert files("a.wav", "in/a.wav", "link.wav") == ["a.wav", "in/a.wav", "link.wav"]
    assert files("in/up/c.wav", "in/deep/c.wav") == ["in/up/c.wav"]  # one file by two ways
    assert files("in/up/../b.wav", "in/b.wav") == ["in/up/../b.wav"]


def test_each_row_of_a_table_comes(folder: Path) -> None:
    (folder / "turns.csv").write_text("file,start,end\na.wav,0,1\na.wav,0,1\na.wav,,\n")
    assert files("a.wav", "@turns.csv") == ["a.wav"] * 4


def test_an_error_comes_once(folder: Path) -> None:
    (folder / "empty").mkdir()
    (folder / "loop.wav").symlink_to("loop.wav")
    assert len(select(["empty", "empty", "./empty"]).entries) == 1
    assert len(select([".", "**/*.wav"]).entries) == len(select(["."]).entries)


def test_folders_are_counted_and_remembered(folder: Path) -> None:
    selection = select(["in"])
    assert (selection.folders, selection.passed_over) == (["in"], 1)


def test_patterns_are_expanded_as_a_shell_does(folder: Path) -> None:
    assert files("**/?.wav") == ["a.wav", "in/b.wav", "in/deep/c.wav"]
    assert files("i*") == ["in/b.wav", "in/deep/c.wav"]
    (refusal,) = select(["*.mp3"]).entries
    assert isinstance(refusal, Refusal)
    assert "no file has such a name" in str(refusal.error)


def test_a_file_with_the_name_of_a_pattern_or_a_list_is_that_file(folder: Path) -> None:
    assert files("x[1].wav", "@odd.wav") == ["x[1].wav", "@odd.wav"]


def test_a_list_may_name_folders(folder: Path) -> None:
    (folder / "in/list.txt").write_text("deep\n../a.wav\n")
    assert files("@in/list.txt") == ["in/deep/c.wav", "in/../a.wav"]


def test_a_list_of_nothing_is_refused(folder: Path) -> None:
    (folder / "list.txt").touch()
    with pytest.raises(ConfigError, match="no recording is named"):
        select(["@list.txt"])


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX")
def test_a_pipe_that_is_named_twice_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(ConfigError, match="only once"):
        select(["pipe", "./pipe"])


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX")
def test_only_a_pipe_that_is_named_itself_is_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "list.txt").write_text("pipe")
    (item,) = select(["pipe"]).entries
    assert item == Item("pipe", is_read_once=True)
    for argument in ("pip*", "@list.txt"):
        (refusal,) = select([argument]).entries
        assert isinstance(refusal, Refusal)
        assert "no file, but a pipe" in str(refusal.error)


def test_more_recordings_than_a_run_may_have_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emotiond.streamer.batch.selection.MOST_ENTRIES", 3)
    assert len(select(["in", "a.wav"]).entries) == 3
    with pytest.raises(ConfigError, match=r"the arguments name more than .* recordings\. Cut them"):
        select(["in", "a.wav", "x[1].wav"])
