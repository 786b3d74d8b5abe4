"""Writes events as lines on standard output."""

from __future__ import annotations

import logging
import queue
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emotiond.streamer.options import Option
from emotiond.streamer.outputs.output import (
    About,
    Opener,
    Output,
    OutputKind,
    Surroundings,
    call_in_thread,
    uses_no_network,
    wait_while,
)

if TYPE_CHECKING:
    from emotiond.streamer.hub import Message

_log = logging.getLogger(__name__)

_MOST_WAITING = 1000  # lines; a slower reader misses the newest


@dataclass(frozen=True)
class LineSettings:
    """The setting of the lines."""

    json: bool = False
    """Whether to print every event as a line on standard output."""


class LineWriter:
    """Writes each event as a line, in its own thread: a slow reader delays nothing else.

    It stops writing once the reader has left.
    """

    def __init__(self) -> None:
        self._lines: queue.Queue[str | None] = queue.Queue(_MOST_WAITING)
        self.dropped = 0
        self.failure: str | None = None
        """Why the output stopped; None while it works, and after the reader has left."""
        self._disconnected: str | None = None
        self._thread = threading.Thread(target=self._run, name="emotiond-stdout", daemon=True)
        self._thread.start()

    def send(self, message: Message) -> None:
        """Queue a line, or drop it if the queue is full."""
        try:
            self._lines.put_nowait(message.text)
        except queue.Full:
            self.dropped += 1

    async def drained(self, wholly: bool = False) -> None:
        """Wait until half of the queue is free, the queue is empty, or the reader has left."""
        most_lines = 0 if wholly else _MOST_WAITING // 2
        await wait_while(lambda: self._lines.qsize() > most_lines and self._thread.is_alive())

    def about(self) -> About:
        """Return whether the reader has left."""
        return About(disconnected=self._disconnected)

    async def ready(self) -> None:
        """Return at once."""

    async def close(self, timeout_seconds: float) -> None:
        """Write the remaining lines, if the reader takes them in time."""
        await call_in_thread(self._close, timeout_seconds)

    def _close(self, timeout_seconds: float) -> None:
        try:
            self._lines.put(None, timeout=timeout_seconds)
        except queue.Full:
            return
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        try:
            while (line := self._lines.get()) is not None:
                sys.stdout.write(line + "\n")
                if self._lines.empty():
                    sys.stdout.flush()
        except BrokenPipeError:  # as with ``| head``: the daemon has not failed
            self._disconnected = "the reader of standard output has left"
        except (OSError, ValueError) as error:
            self.failure = f"standard output cannot be written ({error})"
            _log.error("%s", self.failure)


def _prepare(settings: LineSettings) -> Opener | None:
    async def open_writer(_around: Surroundings) -> Output:
        return LineWriter()

    return open_writer if settings.json else None


STANDARD_OUTPUT = OutputKind(
    "standard output",
    LineSettings,
    options=(Option("--json", "also print every event as a line of JSON", after="--record"),),
    reach=uses_no_network,
    prepare=_prepare,
    queue="stdout_lines",
)
