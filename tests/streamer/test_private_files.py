"""Files for the user alone: links, rights and owners."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from emotiond.streamer.private_files import (
    check_links,
    create_private,
    make_private_folder,
    open_private,
    others_can_read,
)
from tests.support.owners import make_foreign

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX modes")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("content")
    path.chmod(0o644)
    return path


def test_a_new_file_is_for_the_user_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        os.close(create_private(tmp_path / "new"))
        make_private_folder(tmp_path / "outer" / "inner")
    finally:
        os.umask(before)
    assert mode(tmp_path / "new") == 0o600
    assert mode(tmp_path / "outer" / "inner") == 0o700


def test_a_file_is_not_created_through_a_dangling_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        create_private(tmp_path / "link")
    assert not (tmp_path / "elsewhere").exists()


def test_an_open_file_loses_the_rights_of_others(file: Path) -> None:
    descriptor = open_private(file)
    assert os.read(descriptor, 100) == b"content"
    os.close(descriptor)
    assert mode(file) == 0o600


def test_a_link_is_not_followed(file: Path) -> None:
    link = file.with_name("link")
    link.symlink_to(file)
    with pytest.raises(OSError, match="it is a link"):
        open_private(link)
    assert mode(file) == 0o644


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        open_private(tmp_path / "pipe")
    with pytest.raises(IsADirectoryError):
        open_private(tmp_path)


def test_the_file_of_another_user_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_foreign(file, monkeypatch)
    with pytest.raises(PermissionError, match="another user"):
        open_private(file)
    assert mode(file) == 0o644


def test_a_folder_that_is_there_becomes_private(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_private_folder(tmp_path)
    assert mode(tmp_path) == 0o700


def test_a_link_to_a_secret_is_followed_if_the_user_has_made_it(file: Path) -> None:
    first, second = file.with_name("first"), file.with_name("second")
    first.symlink_to("second")
    second.symlink_to(file)
    check_links(first)
    check_links(file)
    check_links(file.with_name("none"))
    check_links(Path("/dev/stdin"))


def test_a_link_to_a_secret_of_another_user_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = file.with_name("first"), file.with_name("second")
    first.symlink_to("second")
    second.symlink_to(file)
    make_foreign(second, monkeypatch)
    with pytest.raises(PermissionError, match="another user"):
        check_links(first)


def test_a_folder_on_the_way_is_a_link_of_another_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, link, own = tmp_path / "folder", tmp_path / "link", tmp_path / "own"
    folder.mkdir()
    (folder / "key").touch()
    link.symlink_to("folder")
    own.symlink_to("link/../link")
    monkeypatch.chdir(tmp_path)
    for path in (link / "key", own / "key", Path("own/key")):
        check_links(path)
    make_foreign(link, monkeypatch)
    for path in (link / "key", own / "key", Path("own/key"), Path("link/../link/none")):
        with pytest.raises(PermissionError, match="another user"):
            check_links(path)


def test_links_in_a_circle_are_left_to_what_opens_the_file(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    check_links(tmp_path / "a" / "key")


def test_the_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_foreign(tmp_path, monkeypatch)
    with pytest.raises(PermissionError, match="another user"):
        make_private_folder(tmp_path)


@pytest.mark.parametrize(
    ("rights", "own", "foreign"),
    [(0o600, False, False), (0o640, True, False), (0o644, True, True), (0o604, True, True)],
)
def test_a_secret_that_others_can_read_is_known(
    file: Path, rights: int, own: bool, foreign: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.chmod(rights)
    assert others_can_read(file.stat()) == own
    make_foreign(file, monkeypatch)
    assert others_can_read(file.stat()) == foreign


def test_a_crash_leaves_no_core_file_with_sound_or_token() -> None:
    code = (
        "import resource; r = resource.RLIMIT_CORE; most = resource.getrlimit(r)[1];"
        "resource.setrlimit(r, (most, most)); from emotiond.streamer import cli;"
        "cli.main(['models']); print(resource.getrlimit(r)[0])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert ended.stdout.splitlines()[-1] == "0"
