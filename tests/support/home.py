"""A temporary home folder, so that tests and their daemons write nothing to the user's."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Set
from pathlib import Path

_OWN = {"HOME": "", "XDG_DATA_HOME": ".local/share", "XDG_CACHE_HOME": ".cache"}
"""Variables with the user's folders, and the folder of each in the temporary home."""


def leave_home() -> Callable[[], Set[str]]:
    """Give this process and its children an empty home folder.

    Returns:
        A function that removes that folder and returns the user's files that have changed.
    """
    before = kept_in(Path.home())
    real = Path.home()
    home = Path(tempfile.mkdtemp(prefix="emotiond-home-"))
    # pip caches its downloads in the tree instead of the user's folder.
    own = {name: str(home / place) for name, place in _OWN.items()}
    os.environ.update(own, PIP_CACHE_DIR=str(Path(".pytest_cache/pip").absolute()))
    os.environ.pop("EMOTIOND_CONFIG", None)
    # Hundreds of processes start: each compiles every module where the first may not keep them.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

    def come_back() -> Set[str]:
        shutil.rmtree(home)
        return {path for path, _ in before.items() ^ kept_in(real).items()}

    return come_back


def kept_in(home: Path) -> Mapping[str, int]:
    """The daemon's files in a home folder, each with its modification time in ns."""
    files = (path for path in (home / ".local/share/emotiond").rglob("*") if path.is_file())
    return {str(path): path.stat().st_mtime_ns for path in files}
