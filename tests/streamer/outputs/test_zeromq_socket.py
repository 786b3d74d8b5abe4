"""The file of an ``ipc://`` endpoint: libzmq deletes what is there before it binds."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from emotiond.exceptions import ServeError
from emotiond.streamer.outputs.zeromq_socket import BoundSocket
from emotiond.streamer.sparing_log import SparingLog

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs sockets with a path")


@contextlib.contextmanager
def bound(path: Path) -> Iterator[BoundSocket]:
    log = SparingLog(logging.getLogger(__name__))
    opened = BoundSocket(f"ipc://{path}", "--zmq", None, log)
    try:
        yield opened
    finally:
        opened.close(0).result(5)


@pytest.mark.parametrize("is_link", [False, True])
def test_a_file_is_refused_and_stays(tmp_path: Path, is_link: bool) -> None:
    file, path = tmp_path / "file", tmp_path / "path"
    file.write_text("kept")
    path.symlink_to(file) if is_link else file.rename(path)
    with pytest.raises(ServeError, match="no socket"), bound(path):
        pass
    assert path.read_text() == "kept"
    assert path.is_symlink() == is_link


def test_the_socket_of_a_program_that_runs_is_in_use(tmp_path: Path) -> None:
    path = tmp_path / "path"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        before = path.stat().st_ino
        with pytest.raises(ServeError, match="in use"), bound(path):
            pass
        assert path.stat().st_ino == before


def test_a_socket_that_a_program_has_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "path"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
    for _ in range(2):  # this one itself leaves its socket behind
        with bound(path):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
