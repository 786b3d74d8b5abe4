"""Tells whether a service manager runs this process, or a person at a terminal."""

from __future__ import annotations

import os
import sys

_VARIABLES = (
    "INVOCATION_ID",  # systemd
    "NOTIFY_SOCKET",
    "SUPERVISOR_ENABLED",
    "RC_SVCNAME",  # OpenRC
)


def runs_as_service() -> bool:
    """Return whether a service manager, or the start of a container, runs this process.

    The variables alone do not say so: a desktop started by systemd gives them to its terminals.
    """
    if any(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        return False
    is_child_of_init = os.getpid() == 1 or os.getppid() == 1
    return is_child_of_init or any(variable in os.environ for variable in _VARIABLES)
