"""Keeps what a terminal sends, such as Ctrl-C, from a process that the daemon starts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any


def apart() -> Mapping[str, Any]:
    """Return arguments for ``subprocess.Popen``.

    The process has a group of its own and stays in the session. Linux gives each session an equal
    share of a core: in one of its own, a process has been left waiting for seconds beside a busy
    daemon. Python 3.10 knows no groups here.
    """
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    if sys.version_info >= (3, 11):
        return {"process_group": 0}
    return {"start_new_session": True}
