"""A home of the tests' own: what they and their daemons keep never lands in the user's."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Set
from pathlib import Path

_OWN = {"HOME": "", "XDG_DATA_HOME": ".local/share", "XDG_CACHE_HOME": ".cache"}
"""Variables that lead to a user's own things, and where they lead in the home of the tests."""


def leave_home() -> Callable[[], Set[str]]:
    """Move this process, and all that it starts, to an empty home.

    Returns:
        What removes that home again, and names the files in the user's that changed meanwhile.
    """
    before = kept_in(Path.home())
    real = Path.home()
    home = Path(tempfile.mkdtemp(prefix="emotiond-home-"))
    # pip keeps what it has fetched for the next run, in the tree instead of the user's cache.
    own = {name: str(home / place) for name, place in _OWN.items()}
    os.environ.update(own, PIP_CACHE_DIR=str(Path(".pytest_cache/pip").absolute()))
    os.environ.pop("EMOTIOND_CONFIG", None)

    def come_back() -> Set[str]:
        shutil.rmtree(home)
        return {path for path, _ in before.items() ^ kept_in(real).items()}

    return come_back


def kept_in(home: Path) -> Mapping[str, int]:
    """What emotiond keeps in a home, each file with its time of change in ns."""
    files = (path for path in (home / ".local/share/emotiond").rglob("*") if path.is_file())
    return {str(path): path.stat().st_mtime_ns for path in files}
