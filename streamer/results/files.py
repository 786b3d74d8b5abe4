"""Puts finished files into place. There is never half a file under the name that was given."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from emotiond.exceptions import ResultError, printable
from emotiond.streamer.results.writer import Request

_MOST_LINKS = 40  # as Linux
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def reporting(path: Path | None) -> Iterator[None]:
    """Report errors of the system in this block as those of writing a file.

    Args:
        path: the file; None for standard output, whose errors pass.

    Raises:
        ResultError: the file cannot be written.
    """
    try:
        yield
    except OSError as error:
        if path is None:
            raise
        remedy = "Name another place with --output"
        if error.errno in _FULL:
            remedy = "Free some space there, or name another place with --output"
        raise ResultError(f"cannot write {path} ({error.strerror or error})", remedy) from None


def check_free(paths: Iterable[Path], request: Request) -> None:
    """Refuse to write over a file that is to stay.

    Args:
        paths: the files that will be written.
        request: names the recordings, and says whether files may be replaced.

    Raises:
        ResultError: one is a folder, a recording that is analyzed, or is there already.
    """
    there: dict[tuple[int, int], Path] = {}
    for path in paths:
        if is_special(path):
            continue
        with reporting(path):
            try:
                about = path.stat()
            except FileNotFoundError:
                continue
        if stat.S_ISDIR(about.st_mode):
            raise ResultError(f"{path} is a folder", "Name a file in it with --output")
        there.setdefault((about.st_dev, about.st_ino), path)
    if not there:
        return
    for found in identities(request.files):
        if found in there:
            raise ResultError(f"{there[found]} is a recording", "Name another --output")
    if not request.overwrite and not request.is_resumed:
        raise ResultError(
            f"{next(iter(there.values()))} is there already",
            "Add --overwrite to replace it, or name another --output",
        )


def identities(recordings: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield device and inode of all recordings that are there: a file may have several names."""
    for recording in recordings:
        with contextlib.suppress(OSError, ValueError):
            about = Path(recording).stat()
            yield about.st_dev, about.st_ino


@contextmanager
def in_place(path: Path, mode: int = 0o666, *, follows: bool = True) -> Iterator[Path]:
    """Give a new file beside a path, and put it there at the end of the block.

    A block that raises leaves what was there. A link stays, and its target is replaced. What
    :func:`is_special` is written itself.

    Args:
        path: where the file goes.
        mode: who may read it, of a new file as of one that it replaces; the umask takes from it.
        follows: whether a link, or what is special, is written through; else it is replaced itself.

    Raises:
        ResultError: it cannot be written.
    """
    if follows:
        if is_special(path):
            yield path
            return
        with reporting(path):
            path = Path(os.path.realpath(path))
    unfinished = path.with_name(f".emotiond-{secrets.token_hex(6)}.part")
    with reporting(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
    try:
        yield unfinished
        with reporting(path):
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())
            unfinished.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise


def is_special(path: Path) -> bool:
    """Return whether a path leads to no file of its own: a device, a pipe, or an open descriptor.

    ``/dev/stdout`` is a link to a descriptor, whatever that is: nothing may take the link's place.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            return not stat.S_ISDIR(mode)
        for _ in range(_MOST_LINKS):
            if path.is_relative_to("/dev/fd") or path.is_relative_to("/proc"):
                return True
            path = Path(os.path.abspath(path.parent / path.readlink()))  # noqa: PTH100
    except OSError:  # nothing is there, or it is no link
        pass
    return False


class Lines:
    """Text that goes into a file, or to standard output at once.

    Names come from outside. A terminal gets what it would obey escaped; a file, or another program,
    gets every name as it is.
    """

    def __init__(self, stream: IO[str], path: Path | None) -> None:
        self._stream = stream
        self._path = path
        self._is_terminal = stream.isatty()

    def write(self, text: str) -> int:
        """Write one line with its end. ``csv`` counts on the name."""
        if self._is_terminal:
            line = text.rstrip("\r\n")
            text = printable(line) + text[len(line) :]
        with reporting(self._path):
            return self._stream.write(text)

    def flush(self) -> None:
        """Show what was written; a file has it at its end."""
        if self._path is None:
            self._stream.flush()


@contextmanager
def open_lines(request: Request) -> Iterator[Lines]:
    """Open the text file that is asked for, complete at the end of the block.

    Raises:
        ResultError: it cannot be written, or would replace a file.
    """
    path = request.output
    if path is None:
        yield Lines(sys.stdout, None)
        return
    check_free([path], request)
    with in_place(path) as unfinished:
        with reporting(path):
            stream = unfinished.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        try:
            yield Lines(stream, path)
        finally:
            with reporting(path):
                stream.close()
