"""Links to a recording. Every byte that a URI cannot hold is escaped."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from emotiond.streamer.results.writer import STANDARD_INPUT


def absolute_link(recording: str) -> str:
    """Return the ``file:`` URI of a recording."""
    return Path(recording).absolute().as_uri()


def relative_link(recording: str, folder: Path) -> str:
    """Return a relative URI of a recording, from a folder."""
    if recording == STANDARD_INPUT:
        return "stdin"
    try:
        path = os.path.relpath(recording, folder)
    except ValueError:  # another drive
        return absolute_link(recording)
    return "./" + quote(os.fsencode(path.replace(os.sep, "/")))
