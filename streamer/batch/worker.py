"""The command's end of a process that analyzes items."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import astuple
from typing import Any

from emotiond.exceptions import ModelError, SourceError, shortage_of
from emotiond.streamer.batch.analyst import Finding, Findings
from emotiond.streamer.batch.content import Seen
from emotiond.streamer.batch.item import Item
from emotiond.streamer.batch.settings import Settings
from emotiond.streamer.batch.worker_process import (
    FOUND,
    HEAD,
    MEMORY,
    PROGRESS,
    REFUSED,
    WARNED,
)
from emotiond.streamer.child_processes import apart

_COMMAND = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from emotiond.streamer.batch.worker_process import main; main()"
)
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
_LAST_SECONDS = 5.0  # from the end of its output to the end of the process
_log = logging.getLogger(__name__)


class Worker:
    """A process that analyzes one item after the other. It belongs to one thread.

    Args:
        settings: what decides the results.
        sha256: of the model that is expected.

    Raises:
        ModelError: no process can start.
    """

    def __init__(self, settings: Settings, sha256: str) -> None:
        self._settings = settings
        self._sha256 = sha256
        self._is_ready = False
        self._is_closed = False
        self._replacing = threading.Lock()
        self._process = self._start()

    def close(self) -> None:
        """End the process at once; any thread may. The one that waits for it starts no other."""
        with self._replacing:
            self._is_closed = True
            self._end()

    def _end(self) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # unsent data that no process will read
                    pipe.close()
        self._process.wait()

    def analyze(self, item: Item, on_progress: Callable[[float], object], seen: Seen) -> Findings:
        """Analyze an item. A new process replaces one that has ended.

        Args:
            item: what is analyzed.
            on_progress: called now and then with the seconds of sound since the last call.
            seen: what the file has to be.

        Raises:
            SourceError: the file cannot be read, has changed, ended the process, or the worker is
                closed.
            ModelError: the process cannot start.
        """
        with self._replacing:
            if self._is_closed:
                raise SourceError(f"{item.file}: the run has ended", "Start it again")
            if self._process.poll() is not None and self._is_ready:
                self._end()
                self._is_ready = False
                self._process = self._start()
        if not self._is_ready:
            self._await_ready()
        self._send((astuple(item), seen.state))
        while True:
            message = self._receive()
            if message is None:
                raise SourceError(
                    f"{item.file}: the process that analyzed it {self._fate()}", MEMORY
                )
            kind, content = message
            if kind == FOUND:
                return tuple(Finding(values, events) for values, events in content)
            if kind == REFUSED:
                raise SourceError(*content)
            if kind == PROGRESS:
                on_progress(content)

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            # It finds its modules where this process does.
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", _COMMAND, *sys.path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **_ONE_THREAD},
                **apart(),
            )
        except OSError as error:
            problem, remedy = shortage_of(error) or (error.strerror or str(error), "Try again")
            raise ModelError(f"no process can start that analyzes: {problem}", remedy) from None
        self._process = process
        self._send({**self._settings.to_json(), "sha256": self._sha256})
        return process

    def _await_ready(self) -> None:
        message = self._receive()
        if message is None:
            raise ModelError(
                f"a process that is to analyze {self._fate()} before it could begin", MEMORY
            )
        kind, content = message
        if kind == REFUSED:
            raise ModelError(*content)
        self._is_ready = True

    def _send(self, values: object) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended, and will not answer
            self._process.stdin.write(json.dumps(values).encode() + b"\n")
            self._process.stdin.flush()

    def _receive(self) -> tuple[bytes, Any] | None:
        """Return the next message; None if the process has ended. Warnings go to the log."""
        while True:
            head = self._read(HEAD.size)
            if head is None:
                return None
            kind, length = HEAD.unpack(head)
            text = self._read(length)
            if text is None:
                return None
            content = json.loads(text)
            if kind == WARNED:
                _warn(content)
                continue
            if kind == FOUND:
                events = [self._read(size) for _, size in content]
                if None in events:
                    return None
                content = list(zip((values for values, _ in content), events, strict=True))
            return kind, content

    def _read(self, count: int) -> bytes | None:
        assert self._process.stdout is not None
        content = self._process.stdout.read(count)
        return content if len(content) == count else None

    def _fate(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_SECONDS)
        status = self._process.poll()
        if status is not None and status < 0:
            with contextlib.suppress(ValueError):
                return f"was ended ({signal.Signals(-status).name})"
        return f"has ended (status {status})"


@functools.cache
def _warn(text: str) -> None:
    """Say once what each of the processes says."""
    _log.warning("%s", text)
