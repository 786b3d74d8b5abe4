"""Folders: what is found, in what order, and what is passed over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from emotiond.streamer.batch.folders import Walk
from emotiond.streamer.batch.item import Item, Refusal

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")


def tree(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def found(walk: Walk, folder: Path) -> list[str]:
    items = [*walk]
    assert all(isinstance(item, Item) for item in items)
    return [os.path.relpath(item.file, folder) for item in items if isinstance(item, Item)]


def test_recordings_are_found_at_any_depth_in_the_order_of_their_names(tmp_path: Path) -> None:
    tree(tmp_path, "b.wav", "a/z.MP4", "a/deep/er/x.flac", "c.Opus", "notes.txt", "b.wav.txt")
    walk = Walk(str(tmp_path))
    assert found(walk, tmp_path) == ["a/deep/er/x.flac", "a/z.MP4", "b.wav", "c.Opus"]
    assert walk.passed_over == 2


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    """macOS leaves ``._x.wav`` beside ``x.wav`` on foreign disks."""
    tree(tmp_path, "._x.wav", "x.wav", ".trash/y.wav")
    assert found(Walk(str(tmp_path)), tmp_path) == ["x.wav"]


def test_a_folder_without_sound_is_refused_in_a_sentence(tmp_path: Path) -> None:
    tree(tmp_path, "a.txt", "b.txt")
    (refusal,) = Walk(str(tmp_path))
    assert isinstance(refusal, Refusal)
    assert str(refusal.error).startswith(f"{tmp_path}: there is no recording in it among 2 files.")


@posix
def test_links_are_followed_and_links_in_a_circle_end(tmp_path: Path) -> None:
    tree(tmp_path, "in/a/x.wav", "elsewhere/y.wav")
    (tmp_path / "in/a/up").symlink_to(tmp_path / "in")
    (tmp_path / "in/there").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/there again").symlink_to(tmp_path / "elsewhere")
    walk = Walk(str(tmp_path / "in"))
    assert found(walk, tmp_path / "in") == ["a/x.wav", "there/y.wav"]
    assert [Path(link).name for link in walk.circles] == ["up", "there again"]


@posix
def test_what_would_be_waited_for_or_leads_nowhere_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    (tmp_path / "b.wav").symlink_to(tmp_path / "nothing")
    (tmp_path / "c.wav").symlink_to(tmp_path / "c.wav")
    problems = [entry.error.problem for entry in Walk(str(tmp_path)) if isinstance(entry, Refusal)]
    assert [problem.partition(": ")[2] for problem in problems] == [
        "it is no file, but a pipe, a socket or a device",
        "there is no such file",
        "its links lead in a circle",
    ]


@posix
def test_any_name_can_be_found(tmp_path: Path) -> None:
    names = ["new\nline.wav", "\udcff.wav", "-rf.wav", "@x.wav"]
    tree(tmp_path, *names)
    assert found(Walk(str(tmp_path)), tmp_path) == sorted(names)


def test_a_folder_of_great_depth_is_no_problem(tmp_path: Path) -> None:
    place = tmp_path
    for _ in range(150):
        place /= "d"
        place.mkdir()
    (place / "x.wav").touch()
    assert len([*Walk(str(tmp_path))]) == 1
