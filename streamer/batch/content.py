"""Knows a recording by what is in it, whatever its name, place and date."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from typing import NamedTuple

from emotiond.streamer.readers.opening import open_to_read, unreadable

_BLOCK_BYTES = 2**20


class State(NamedTuple):
    """What changes when a file is written or replaced. It tells a change, and not the content."""

    device: int
    inode: int
    size_bytes: int
    modified_ns: int


def state_of(path: str) -> State | None:
    """Return the state of a file; None for what is no regular file.

    Raises:
        SourceError: the file cannot be looked at.
    """
    try:
        about = Path(path).stat()
    except OSError as error:
        raise unreadable(path, error) from None
    except ValueError:  # no file can have this name: opening it says so
        return None
    if not stat.S_ISREG(about.st_mode):
        return None
    return State(about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns)


def digest_of(path: str) -> str:
    """Return the SHA-256 of all bytes of a file, in hexadecimal: processors compute it themselves.

    Raises:
        SourceError: the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with open_to_read(path) as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except OSError as error:
        raise unreadable(path, error) from None
    return digest.hexdigest()
