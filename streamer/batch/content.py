"""Knows a recording by what is in it, whatever its name, place and date."""

from __future__ import annotations

import functools
import hashlib
import stat
import time
from pathlib import Path
from typing import NamedTuple

from emotiond.streamer.readers.opening import open_to_read, unreadable

_BLOCK_BYTES = 2**20
_MOST_DIGESTS = 1000
SETTLED_SECONDS = 2.0
"""Until a further change of a file has another date, on any file system."""


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


class Digests:
    """Remembers the last digests: a table of segments names the same file in many rows.

    A file that was changed just now is read each time, since its next change may have the same
    date.
    """

    def __init__(self) -> None:
        self._remembered = functools.lru_cache(_MOST_DIGESTS)(_digest_in)

    def of(self, path: str, state: State) -> str:
        """Return the SHA-256 of a file as :func:`digest_of` does.

        Args:
            path: the file.
            state: what it is in now.

        Raises:
            SourceError: the file cannot be read.
        """
        try:
            changed_ns = Path(path).stat().st_ctime_ns  # no program can set this one
        except OSError as error:
            raise unreadable(path, error) from None
        if time.time_ns() - changed_ns < SETTLED_SECONDS * 1e9:
            return digest_of(path)
        return self._remembered(path, state, changed_ns)


def _digest_in(path: str, state: State, changed_ns: int) -> str:  # noqa: ARG001 - parts of the key
    return digest_of(path)
