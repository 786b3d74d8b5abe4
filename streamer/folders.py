"""Where a user's own things are kept."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from inference.exceptions import ConfigError


def data_folder() -> Path:
    """The daemon's folder in the user's data folder, as the system names that.

    Raises:
        ConfigError: the system knows none.
    """
    named = os.environ.get("XDG_DATA_HOME", "")
    if Path(named).is_absolute():
        base = Path(named)
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        try:
            base = Path.home() / ".local" / "share"
        except RuntimeError:  # no HOME, and an account that the system does not know
            raise ConfigError("there is no home folder", "Set XDG_DATA_HOME or HOME") from None
    return base / "emotiond"
