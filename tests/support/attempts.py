"""What a recording must not be able to do, once it runs code in the decoder's process.

``USING`` goes before ``main()`` of the decoder's command: a file that begins with ``TRY`` then
makes the decoder try what it names, and the file is refused with what came of it. ``STREAMING``
does the same for the process that decodes a stream of the network: it tries everything.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import resource
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from emotiond.exceptions import SourceError
from emotiond.streamer.readers import kinds, stream_process
from emotiond.streamer.readers.reader import SoundReader
from emotiond.streamer.readers.stream_input import StreamInput

REFUSED = "ENOSYS"
"""What comes of an attempt that the filter stops."""
USING = "import tests.support.attempts as attempts; attempts.use(); "
UNCONFINED = (
    "import emotiond.streamer.readers.decoder_process as d; "
    "d.confine = lambda: d.Unconfined('as a test wants it', 'Nothing'); "
)
STREAMING = "import tests.support.attempts as attempts; attempts.use_in_stream(); "
STREAMING_UNCONFINED = (
    "import emotiond.streamer.readers.stream_process as s; "
    "s.confine = lambda: s.Unconfined('as a test wants it', 'Nothing'); "
)
HEAD = b"TRY "
_IO_URING_SETUP = 425
_TRUE = "/bin/true"


def use() -> None:
    """Let every decoder of this process try what a file names."""
    kinds.READERS = (_attempt, *kinds.READERS)


def _attempt(path: str, content: BinaryIO | None) -> SoundReader:
    assert content is not None
    if content.read(len(HEAD)) != HEAD:
        raise SourceError(f"{path}: names no attempt", "Write TRY")
    name, folder = content.read().decode().split("\n")
    try:
        ATTEMPTS[name](Path(folder))
    except OSError as error:
        raise SourceError(errno.errorcode[error.errno or 0], "It is refused") from None
    raise SourceError("done", "It works")


def use_in_stream() -> None:
    """Let a stream try everything: its refusal says what came of each attempt, in JSON."""
    sounds = stream_process.sounds

    def try_all(stream: StreamInput) -> Iterator[stream_process.Piece]:
        if stream.peek(len(HEAD)) != HEAD:
            yield from sounds(stream)
            return
        folder = Path(stream.peek(2**16).decode().removeprefix(HEAD.decode()))
        outcomes = {}
        for name, attempt in ATTEMPTS.items():
            try:
                attempt(folder)
                outcomes[name] = "done"
            except OSError as error:
                outcomes[name] = errno.errorcode[error.errno or 0]
        raise SourceError(json.dumps(outcomes), "Nothing")

    stream_process.sounds = try_all


def _fork(_folder: Path) -> None:
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


def _thread(_folder: Path) -> None:
    thread = threading.Thread(target=int)
    try:
        thread.start()
    except RuntimeError:  # Python does not say why
        raise OSError(errno.ENOSYS, "no thread") from None
    thread.join()


def _spawn(_folder: Path) -> None:
    os.waitpid(os.posix_spawn(_TRUE, [_TRUE], {}), 0)


def _call(number: int, *arguments: int) -> None:
    if ctypes.CDLL(None, use_errno=True).syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _connect(folder: Path) -> None:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as client:
        client.connect(str(folder / "socket"))


ATTEMPTS: dict[str, Callable[[Path], object]] = {
    "read a file": lambda folder: (folder / "file").read_bytes(),
    "see whether a file is there": lambda folder: (folder / "file").stat(),
    "list a folder": os.listdir,
    "follow a link": lambda folder: (folder / "link").readlink(),
    "make a file": lambda folder: (folder / "new").write_bytes(b"x"),
    "make a folder": lambda folder: (folder / "new folder").mkdir(),
    "make a link": lambda folder: (folder / "new link").symlink_to("file"),
    "rename a file": lambda folder: (folder / "file").rename(folder / "file"),
    "remove a file": lambda folder: (folder / "to remove").unlink(),
    "change the rights of a file": lambda folder: (folder / "file").chmod(0o600),
    "make a file in memory": lambda _: os.close(os.memfd_create("x")),
    "copy a descriptor": lambda _: os.close(os.dup(0)),
    "leave its folder": os.chdir,
    "open a TCP socket": lambda _: socket.socket().close(),
    "open a UDP socket": lambda _: socket.socket(type=socket.SOCK_DGRAM).close(),
    "open an IPv6 socket": lambda _: socket.socket(socket.AF_INET6).close(),
    "reach a server of this machine": _connect,
    "open a pair of sockets": lambda _: [end.close() for end in socket.socketpair()],
    "fork": _fork,
    "start a program": _spawn,
    "see another process": lambda _: os.kill(os.getppid(), 0),
    "signal itself by kill": lambda _: os.kill(os.getpid(), 0),
    "hold another process": lambda _: os.close(os.pidfd_open(os.getppid())),
    "change its limits": lambda _: resource.setrlimit(
        resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE)
    ),
    "start a thread": _thread,
    "wait for a signal": lambda _: signal.sigtimedwait([], 0),
    "go around the filter": lambda _: _call(_IO_URING_SETUP, 1, 0),
}
"""Each takes a folder that has ``file``, ``link``, ``to remove``, and ``socket`` with a server."""


@contextlib.contextmanager
def tempting(folder: Path) -> Iterator[None]:
    """Put into a folder what the attempts are made at."""
    for name in ("file", "to remove"):
        (folder / name).write_bytes(b"private")
    (folder / "link").symlink_to("file")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
        server.listen()
        yield
