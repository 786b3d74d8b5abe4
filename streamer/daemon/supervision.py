"""Tells systemd how the daemon is: ready, alive, in which state, and ending.

The protocol is that of ``sd_notify(3)``: datagrams to the socket that ``NOTIFY_SOCKET`` names. It
is a few lines, so no library is needed. Elsewhere than under systemd, nothing is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

_LOOK_SECONDS = 1.0
"""A change of state is told within this time."""


class Supervisor:
    """The service manager that has started this process, if there is one.

    Args:
        environment: has ``NOTIFY_SOCKET``, and ``WATCHDOG_USEC`` where a stalled daemon is ended.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name
        limit_usec = environment.get("WATCHDOG_USEC", "")
        self._pause_seconds = _LOOK_SECONDS
        self._has_watchdog = limit_usec.isdecimal() and int(limit_usec) > 0
        if self._has_watchdog:  # systemd advises half of the limit
            self._pause_seconds = min(_LOOK_SECONDS, int(limit_usec) / 2e6)

    def tell(self, *assignments: str) -> None:
        """Send assignments such as ``READY=1``. A manager that has gone is no error."""
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.setblocking(False)  # the loop never waits for the manager
            link.sendto("\n".join(assignments).encode(), self._address)

    async def watch(self, state: Callable[[], str]) -> None:
        """Say that the event loop turns, and each new state, until cancelled.

        Args:
            state: returns the state of the daemon in one line.
        """
        if not self._address:
            return
        told = ""
        while True:
            now = state()
            news = [] if now == told else [f"STATUS={now}"]
            if self._has_watchdog:
                news.append("WATCHDOG=1")
            if news:
                self.tell(*news)
            told = now
            await asyncio.sleep(self._pause_seconds)


def state_line(health: Mapping[str, Any]) -> str:
    """Return the content of ``/healthz`` in one line, for ``systemctl status``."""
    if health["failures"]:
        return "; ".join(health["failures"]).replace("\n", " ")
    if health["microphone"] == "muted":
        return "muted"
    return f"listening to {', '.join(health['streams'])}"
