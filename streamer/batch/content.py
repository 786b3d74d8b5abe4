"""Knows a recording by what is in it, whatever its name, place and date."""

from __future__ import annotations

import functools
import hashlib
import time
from typing import NamedTuple

from emotiond.streamer.readers.opening import State, changed, open_to_read, state_in, unreadable

_BLOCK_BYTES = 2**20
_MOST_DIGESTS = 1000
SETTLED_SECONDS = 2.0
"""Until a further change of a file has another date, on any file system."""


class Seen(NamedTuple):
    """A file as it was when it was looked at. What is analyzed has to be this, and nothing else."""

    state: State
    sha256: str | None = None
    """Of its content; None if no result is kept by it."""


def digest_of(path: str, state: State) -> str:
    """Return the SHA-256 of all bytes of a file, in hexadecimal: processors compute it themselves.

    Raises:
        SourceError: the file cannot be read, or is in another state.
    """
    digest = hashlib.sha256()
    with open_to_read(path, state) as file:
        try:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
        except OSError as error:
            raise unreadable(path, error) from None
        if state_in(file) != state:
            raise changed(path)
    return digest.hexdigest()


class Digests:
    """Remembers the last digests: a table of segments names the same file in many rows.

    A file that was changed just now is read each time, since its next change may have the same
    date.
    """

    def __init__(self) -> None:
        self._remembered = functools.lru_cache(_MOST_DIGESTS)(digest_of)

    def of(self, path: str, state: State) -> str:
        """Return the SHA-256 of a file as :func:`digest_of` does.

        Args:
            path: the file.
            state: what it is in now.

        Raises:
            SourceError: the file cannot be read, or is in another state.
        """
        if time.time_ns() - state.changed_ns < SETTLED_SECONDS * 1e9:
            return digest_of(path, state)
        return self._remembered(path, state)
