"""A real ``emotiond`` process on free ports."""

from __future__ import annotations

import contextlib
import json
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

DEMO = Path(__file__).parents[2] / "streamer" / "sources" / "demo.flac"
COMMAND = (sys.executable, "-m", "emotiond")
PATIENCE_SECONDS = 90.0
"""For what comes at once on an idle machine."""

_ANNOUNCEMENT = re.compile(
    r"open (https?://\S+/) \(WebSocket (wss?://[^\s,)]+)(?:, ZeroMQ ([^\s,)]+))?(?:, .+)?\)"
)


def emotiond(
    *arguments: str, command: Sequence[str] = COMMAND, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
        **options,
    )


class Daemon:
    """A running daemon: its addresses, its output and its end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._stderr: list[str] = []
        self._errors: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read_errors, daemon=True).start()
        found = _ANNOUNCEMENT.search(self.error_line("listening to"))
        assert found is not None
        self.page_url, self.websocket_url, self.zeromq_endpoint = found.groups()

    @property
    def port(self) -> int:
        """The port of page and WebSocket."""
        return int(self.page_url.rstrip("/").rpartition(":")[2])

    @property
    def stderr(self) -> str:
        """All lines on standard error so far."""
        return "".join(self._stderr)

    def error_line(self, containing: str) -> str:
        """Wait for a line on standard error."""
        while (line := self._errors.get(timeout=PATIENCE_SECONDS)) is not None:
            if containing in line:
                return line
        raise AssertionError(f"the daemon ended without saying {containing!r}: {self.stderr}")

    def events(self) -> Iterator[dict[str, Any]]:
        """The lines of ``--json``, to the end."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield json.loads(line)

    def health(self) -> dict[str, Any]:
        """The content of ``/healthz``."""
        with urllib.request.urlopen(f"{self.page_url}healthz", timeout=10) as response:  # noqa: S310
            health: dict[str, Any] = json.load(response)
        return health

    def wait_until(self, holds: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until ``/healthz`` says something."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds(health := self.health()):
            assert time.monotonic() < deadline, health
            time.sleep(0.05)  # it has no event for this

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End the daemon, and return its exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._stderr.append(line)
            self._errors.put(line)
        self._errors.put(None)


@contextlib.contextmanager
def running_daemon(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    command: Sequence[str] = COMMAND,
    ports: Sequence[str] | None = None,
    **options: Any,
) -> Iterator[Daemon]:
    """Run a daemon on free ports, and end it afterwards. ZeroMQ is off beside a token."""
    if ports is None:
        endpoint = "off" if "--token-file" in arguments else "tcp://127.0.0.1:*"
        ports = ("--port", "0", "--zmq", endpoint)
    with subprocess.Popen(
        [*command, "run", *ports, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,
    ) as process:
        try:
            yield Daemon(process)
        finally:
            process.kill()
