"""Reads files whose names come from outside, whatever is there."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def read_file(path: Path, most_bytes: int) -> bytes:
    """Return the content of a file. A pipe is not waited for, a device is not read without end.

    Raises:
        OSError: it cannot be read, or is no regular file.
        ValueError: it is larger, or no file can have this name.
    """
    with open_regular(path) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ValueError("it is far too large")
    return content


def open_regular(path: Path | bytes) -> BinaryIO:
    """Open a file for reading. A pipe is not waited for.

    Raises:
        OSError: it cannot be opened, or is no regular file.
        ValueError: no file can have this name.
    """
    file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115 - the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.ENXIO, "it is no regular file")
    return file


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
