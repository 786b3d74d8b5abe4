"""Where a user's own things are kept."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from emotiond.exceptions import ConfigError


def data_folder() -> Path:
    """The daemon's folder in the user's data folder, as the system names that.

    Raises:
        ConfigError: the system knows none.
    """
    return _user_folder("XDG_DATA_HOME", Path(".local", "share")) / "emotiond"


def cache_folder() -> Path:
    """The daemon's folder for what can be made anew.

    Raises:
        ConfigError: the system knows none.
    """
    folder = _user_folder("XDG_CACHE_HOME", Path(".cache")) / "emotiond"
    return folder / "cache" if sys.platform == "win32" else folder


def _user_folder(variable: str, place: Path) -> Path:
    named = os.environ.get(variable, "")
    if Path(named).is_absolute():
        return Path(named)
    try:
        if sys.platform == "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        return Path.home() / place
    except RuntimeError:  # no HOME, and an account that the system does not know
        raise ConfigError("there is no home folder", f"Set {variable} or HOME") from None
