"""Each error of the system has its own sentence. The tests bring the errors about for real."""

from __future__ import annotations

import os
import resource
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emotiond.exceptions import SourceError
from emotiond.streamer.readers.decoder import Decoder
from emotiond.streamer.readers.opening import open_to_read, state_in, state_of
from emotiond.streamer.readers.sound_file import open_sound_file
from emotiond.streamer.sources.file import FileSource
from tests.support.daemon import DEMO, emotiond
from tests.support.signals import links_to_demo

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="errors of POSIX")
NOBODY = 65_534


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter; those of pytest are for their owner."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def as_nobody() -> Iterator[None]:
    """As a user who owns nothing, where the tests run as root."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    yield
    if is_root:
        os.seteuid(0)


def refusal(path: object) -> str:
    with pytest.raises(SourceError) as refused:
        open_sound_file(str(path))
    return str(refused.value)


@pytest.fixture
def closed_file(folder: Path) -> Path:
    path = folder / "closed.flac"
    path.write_bytes(DEMO.read_bytes())
    path.chmod(0)
    return path


@pytest.fixture
def closed_folder(folder: Path) -> Iterator[Path]:
    closed = folder / "closed"
    closed.mkdir()
    (closed / "x.flac").write_bytes(DEMO.read_bytes())
    closed.chmod(0)
    yield closed
    closed.chmod(0o700)


def test_a_file_that_may_not_be_read(closed_file: Path, as_nobody: None) -> None:
    assert "it may not be read by this user" in refusal(closed_file)


def test_a_folder_that_may_not_be_entered(closed_folder: Path, as_nobody: None) -> None:
    assert f"the folder {closed_folder} may not be entered" in refusal(closed_folder / "x.flac")


def test_other_paths_that_lead_to_no_file(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert "in a circle" in refusal(tmp_path / "a")
    assert "is a file and no folder" in refusal(DEMO / "x.wav")
    assert "name as long as this" in refusal(tmp_path / ("x" * 300))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        assert "a pipe, a socket or a device" in refusal(tmp_path / "s")


def test_no_more_descriptors() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len([*Path("/proc/self/fd").iterdir()]) - 1, hard))
    try:
        with pytest.raises(SourceError, match=r"no decoder .* too many files open"):
            Decoder()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_command_with_too_few_descriptors_ends_with_one_sentence(tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))

    ended = emotiond("analyze", *links_to_demo(tmp_path, 4), preexec_fn=limit)
    assert ended.returncode == 1
    assert "too many files open" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_flac_inside_ogg_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.oga"
    path.write_bytes(b"OggS\0\2" + bytes(20) + b"\x01\x33\x7fFLAC\1\0" + DEMO.read_bytes()[:42])
    assert "it is FLAC inside Ogg" in refusal(path)


def test_a_pipe_is_not_played_as_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="--source - <"):
        FileSource(str(tmp_path / "pipe"), realtime=True, loop=True)


def test_the_state_changes_with_size_date_and_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"one")
    before = state_of(str(path))
    path.read_bytes()
    assert state_of(str(path)) == before
    path.write_bytes(b"more")
    grown = state_of(str(path))
    assert grown != before
    os.utime(path, ns=(0, 0))
    assert state_of(str(path)) != grown


def test_a_link_has_the_state_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"one")
    (tmp_path / "link").symlink_to(tmp_path / "x")
    assert state_of(str(tmp_path / "link")) == state_of(str(tmp_path / "x"))
    with open_to_read(str(tmp_path / "link")) as file:
        assert state_in(file) == state_of(str(tmp_path / "x"))


@pytest.mark.parametrize("open_it", [state_of, open_to_read])
def test_only_a_regular_file_is_opened_and_nothing_is_waited_for(
    open_it: Callable[[str], object], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    places = {str(tmp_path / "pipe"): "a pipe", "/dev/zero": "a device", str(tmp_path): "a folder"}
    for path, said in {**places, "zero\0byte": "can have this name", "none": "no such"}.items():
        with pytest.raises(SourceError, match=said):
            open_it(path)


def test_a_file_is_opened_in_the_state_in_which_it_was_seen(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"one")
    before = state_of(str(path))
    with open_to_read(str(path), before) as file:
        assert file.read() == b"one"
    (tmp_path / "y").write_bytes(b"two")  # Linux before 6.13 has dates in steps of milliseconds
    os.utime(tmp_path / "y", ns=(before.modified_ns, before.modified_ns))
    (tmp_path / "y").replace(path)
    with pytest.raises(SourceError, match="has changed while it was read"):
        open_to_read(str(path), before)
