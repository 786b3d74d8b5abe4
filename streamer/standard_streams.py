"""Standard input, output and error where they are closed, or cannot be written."""

from __future__ import annotations

import contextlib
import os
import sys

from emotiond.exceptions import printable

_CLOSED = ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY))


def fill_closed() -> None:
    """Open the null device in the place of each standard stream that is closed.

    Else the next file or socket would get its number, and all that libraries print to standard
    error. Standard input can still not be read, nor standard output be written.
    """
    for number, flags in _CLOSED:
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, flags)  # the lowest number that is free
            os.set_inheritable(opened, True)


def say(text: str) -> None:
    """Print a line to standard error. Nothing fails where that cannot be written.

    A full disk, or a reader that has left, is no reason to stop.
    """
    with contextlib.suppress(OSError):  # in one piece: other threads say something, too
        print(f"{printable(text)}\n", end="", file=sys.stderr, flush=True)
