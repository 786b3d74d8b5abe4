"""The user's folders for data, settings and cache."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from emotiond.exceptions import ConfigError


def data_folder() -> Path:
    """Return the daemon's folder in the user's data folder of this system.

    Raises:
        ConfigError: there is no home folder.
    """
    return _user_folder("XDG_DATA_HOME", Path(".local", "share")) / "emotiond"


def config_folder() -> Path:
    """Return the folder of this user's settings, of all programs.

    Raises:
        ConfigError: there is no home folder.
    """
    return _user_folder("XDG_CONFIG_HOME", Path(".config"))


def cache_folder() -> Path:
    """Return the daemon's folder for files that can be made again.

    Raises:
        ConfigError: there is no home folder.
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
