"""A real Home Assistant that a test can watch and command."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("home_assistant_program.py")
PATIENCE_SECONDS = 100.0


class HomeAssistant:
    """The running core: its entities, and what it warns of."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: queue.Queue[str] = queue.Queue()
        self.states: dict[str, str] = {}
        """The state of each entity that is there."""
        self.attributes: dict[str, dict[str, Any]] = {}
        """Those of each entity that is there."""
        self.warnings: list[str] = []
        self._others: list[dict[str, Any]] = []
        threading.Thread(target=self._read, daemon=True).start()
        self.until(lambda: any("ready" in each for each in self._others))

    def until(self, holds: Callable[[], bool], patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until something holds of its states."""
        deadline = time.monotonic() + patience_seconds
        while not holds():
            try:
                self._take(self._lines.get(timeout=max(0.01, deadline - time.monotonic())))
            except queue.Empty:
                told = f"{self.states} {self.warnings} {self._others}"
                raise AssertionError(
                    f"it did not come to this; Home Assistant has {told}"
                ) from None

    def call(self, domain: str, service: str, **data: Any) -> None:
        """Call an action, as an automation or the dashboard does."""
        self._say({"calls": [[domain, service, data]]})

    def enable(self, *entities: str) -> None:
        """Enable entities that are disabled at first, as the page does."""
        self._say({"enable": entities})

    def _say(self, action: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(action) + "\n")
        self._process.stdin.flush()

    def _take(self, line: str) -> None:
        told = json.loads(line)
        if "state" in told:
            name, state, attributes = told["state"]
            if state is None:
                del self.states[name]
            else:
                self.states[name], self.attributes[name] = state, attributes
        elif "warning" in told:
            self.warnings.append(told["warning"])
        else:
            self._others.append(told)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)


@contextlib.contextmanager
def home_assistant(port: int, automations: Path) -> Iterator[HomeAssistant]:
    """Run Home Assistant with a broker on this machine and a file of automations."""
    command = [os.environ["HOME_ASSISTANT_PYTHON"], str(PROGRAM), str(port), str(automations)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield HomeAssistant(process)
        finally:
            process.kill()
