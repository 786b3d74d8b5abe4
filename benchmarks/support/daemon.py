"""A daemon in a process of its own, on free ports."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

COMMAND = (sys.executable, "-m", "emotiond")

_ANNOUNCEMENT = re.compile(r"open (http\S+/) \(WebSocket ([^\s,)]+), ZeroMQ ([^\s,)]+)")


@dataclass(frozen=True)
class Daemon:
    """A running daemon and its addresses."""

    pid: int
    page_url: str
    websocket_url: str
    zeromq_endpoint: str


@contextlib.contextmanager
def running_daemon(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[Daemon]:
    """Run ``emotiond run`` with these arguments. The process is killed at the end."""
    ports = ("--port", "0", "--zmq", "tcp://127.0.0.1:*")
    with announced_daemon([*COMMAND, "run", *ports, *arguments], environment) as daemon:
        yield daemon


@contextlib.contextmanager
def announced_daemon(
    command: Sequence[str], environment: Mapping[str, str] | None = None
) -> Iterator[Daemon]:
    """Run a command that announces a daemon's addresses on standard error; kill it at the end.

    Raises:
        RuntimeError: the command ended without the announcement.
    """
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            assert process.stderr is not None
            addresses = _announcement(process.stderr)
            # An unread pipe would fill and stop the daemon.
            threading.Thread(target=_discard, args=(process.stderr,), daemon=True).start()
            yield Daemon(process.pid, *addresses)
        finally:
            process.kill()


def _discard(lines: Iterable[str]) -> None:
    with contextlib.suppress(ValueError):  # the pipe is closed
        for _ in lines:
            pass


def _announcement(lines: Iterable[str]) -> tuple[str, str, str]:
    seen = []
    for line in lines:
        seen.append(line)
        if found := _ANNOUNCEMENT.search(line):
            page, websocket, zeromq = found.groups()
            return page, websocket, zeromq
    raise RuntimeError(f"the daemon ended without announcing its addresses: {''.join(seen)}")
