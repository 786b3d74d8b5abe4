"""Opens files to be read, and says of each error of the system what it is."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from emotiond.exceptions import SourceError, shortage_of
from emotiond.inference.files import open_regular

STANDARD_INPUT = "-"
"""The path that stands for standard input."""

_OWN = ("/dev/stdin", "/dev/fd/", "/proc/self/", "/proc/thread-self/")

_SENTENCES = {
    errno.ENOENT: ("there is no such file", "Check the path"),
    errno.EBADF: ("it is closed", "Open it, or name a file"),
    errno.ENOTDIR: ("a part of its path is a file and no folder", "Check the path"),
    errno.EISDIR: ("this is a folder", "Name the files in it"),
    errno.ELOOP: ("its links lead in a circle", "Name the file itself"),
    errno.ENAMETOOLONG: ("no file can have a name as long as this", "Check the path"),
    errno.ENXIO: ("it is no file, but a pipe, a socket or a device", "Name a file"),
    errno.EIO: ("the disk cannot be read here", "Copy the file from elsewhere"),
    errno.ESTALE: ("its server has replaced it", "Open its folder anew"),
    errno.EFBIG: ("the temporary file may not grow further", "Allow more: ulimit -f unlimited"),
    errno.EDQUOT: ("the temporary file may not grow further", "Name another folder: TMPDIR=FOLDER"),
    errno.ENOSPC: ("the disk for temporary files is full", "Name a larger one: TMPDIR=FOLDER"),
}


class State(NamedTuple):
    """What changes when a file is written or replaced. It tells a change, and not the content."""

    device: int
    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int
    """No program can set this one."""


def open_to_read(path: str, seen: State | None = None) -> BinaryIO:
    """Open a regular file, and nothing else. Whatever has taken its place is not waited for.

    Args:
        path: the file.
        seen: the state that it has to be in; None for any.

    Raises:
        SourceError: it cannot be opened, or has changed; the message says why.
    """
    with _reporting(path):
        # As bytes, because a name need not be text.
        file = open_regular(os.fsencode(path) if os.name == "posix" else Path(path))
        if seen is not None and state_in(file) != seen:
            file.close()
            raise changed(path)
        return file


def open_once(path: str) -> BinaryIO:
    """Open what a user named to be read once: a pipe, or standard input, which stays open.

    It is waited for: who writes a pipe may come later.

    Raises:
        SourceError: it cannot be opened; the message says why.
    """
    with _reporting(path):
        if path == STANDARD_INPUT:
            return open(os.dup(0), "rb")  # noqa: PTH123
        return open(os.fsencode(path) if os.name == "posix" else path, "rb")  # noqa: PTH123


@contextlib.contextmanager
def _reporting(path: str) -> Iterator[None]:
    try:
        yield
    except ValueError:  # a zero byte, for instance
        raise SourceError(f"{path!r}: no file can have this name", "Check the path") from None
    except OSError as error:
        raise unreadable(path, error) from None


def state_in(file: BinaryIO) -> State:
    """Return the state of an open file."""
    return _state(os.fstat(file.fileno()))


def state_of(path: str) -> State:
    """Return the state of a regular file.

    Raises:
        SourceError: it cannot be looked at, or is no regular file.
    """
    with _reporting(path):
        about = Path(path).stat()
        if stat.S_ISDIR(about.st_mode):
            raise OSError(errno.EISDIR, "")
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.ENXIO, "")
        return _state(about)


def _state(about: os.stat_result) -> State:
    return State(about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)


def changed(path: str) -> SourceError:
    """Return the sentence for a file that was written or replaced while it was read."""
    return SourceError(
        f"{path}: it has changed while it was read", "Analyze it again once nothing writes it"
    )


def unreadable(path: str, error: OSError) -> SourceError:
    """Return the sentence for an error of the system about a file."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return _forbidden(path)
    problem, remedy = shortage_of(error) or _SENTENCES.get(
        error.errno or 0,
        (f"the system cannot read it ({error.strerror or error})", "Copy it to another place"),
    )
    return SourceError(f"{path}: {problem}", remedy)


def is_pipe(path: str) -> bool:
    """Return whether a path leads to a pipe, a terminal or the like: it is read once.

    A path that leads nowhere does not.
    """
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)


def is_own(path: str) -> bool:
    """Return whether a path leads to an open file of this process, and elsewhere in another."""
    return path == STANDARD_INPUT or os.path.normpath(path).startswith(_OWN)


def read_once(path: str) -> Hashable | None:
    """Return what a path leads to if that can be read only once; None for any other file."""
    if path != STANDARD_INPUT and not is_pipe(path):
        return None
    try:
        found = os.fstat(0) if path == STANDARD_INPUT else Path(path).stat()
    except OSError:  # opening it says why
        return None
    return found.st_dev, found.st_ino


def _forbidden(path: str) -> SourceError:
    """Tell a file that may not be read from a folder that may not be entered."""
    for folder in reversed(Path(path).absolute().parents):
        if not os.access(folder, os.X_OK, effective_ids=os.access in os.supports_effective_ids):
            return SourceError(
                f"{path}: the folder {folder} may not be entered",
                "Run this as a user who may, or allow it: chmod a+x FOLDER",
            )
    return SourceError(
        f"{path}: it may not be read by this user",
        "Run this as a user who may, or allow it: chmod a+r FILE",
    )
