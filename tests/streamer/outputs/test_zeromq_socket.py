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
import zmq

from emotiond.exceptions import ServeError
from emotiond.streamer.hub import Message
from emotiond.streamer.outputs import zeromq_publisher
from emotiond.streamer.outputs.zeromq_publisher import ZeroMQPublisher
from emotiond.streamer.outputs.zeromq_socket import BoundSocket
from emotiond.streamer.server.occupancy import Occupancy
from emotiond.streamer.sparing_log import SparingLog
from tests.support.owners import make_foreign
from tests.support.port import EMOTION, run, until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs sockets with a path")


@contextlib.contextmanager
def bound(path: Path) -> Iterator[BoundSocket]:
    log = SparingLog(logging.getLogger(__name__))
    opened = BoundSocket(f"ipc://{path}", "--zmq", None, Occupancy(10), log)
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


def test_a_folder_where_every_user_can_replace_files_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(ServeError, match="can replace files in its folder"), bound(folder / "path"):
        pass
    assert not (folder / "path").exists()
    folder.chmod(0o1777)  # as /tmp: who has not made a file there cannot remove it
    with bound(folder / "path"):
        pass


def test_a_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "foreign"
    folder.mkdir()
    make_foreign(folder, monkeypatch)
    with pytest.raises(ServeError, match="belongs to another user"), bound(folder / "path"):
        pass


def test_a_socket_that_was_removed_is_bound_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(zeromq_publisher, "LOOK_SECONDS", 0.02)
    path = tmp_path / "path"

    async def test() -> None:
        last = Message(EMOTION, "{}")
        publisher = ZeroMQPublisher(f"ipc://{path}", lambda: [last], lossless=False)
        with zmq.Context() as context, context.socket(zmq.SUB) as subscriber:
            subscriber.connect(publisher.endpoint)
            subscriber.subscribe("")
            await until(lambda: bool(subscriber.poll(0)))
            subscriber.recv_multipart()
            path.unlink()
            await until(path.exists)
            await until(lambda: bool(subscriber.poll(0)))  # it has connected again by itself
        assert publisher.failure is None
        await publisher.close(0)

    run(test)
    (record,) = caplog.records
    assert "is gone, or is another program's" in record.getMessage()


def test_another_program_that_takes_the_path_keeps_it_and_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(zeromq_publisher, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(zeromq_publisher, "_PATIENCE_SECONDS", 0.1)
    path = tmp_path / "path"

    async def test() -> None:
        publisher = ZeroMQPublisher(f"ipc://{path}", lambda: [], lossless=False)
        path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
            other.listen(100)
            number = path.stat().st_ino
            await until(lambda: publisher.failure is not None)
            assert "cannot be bound anew" in str(publisher.failure)
            assert path.stat().st_ino == number
        await until(lambda: publisher.failure is None)  # the other one has ended
        await publisher.close(0)

    run(test)
    assert len(caplog.records) == 1
