"""The process that analyzes items: one for each core, since threads would take turns in one Python.

It reads lines in JSON: first the settings, then the items. It answers with messages: one byte for
the kind, four bytes for the length, and JSON; the events of findings follow it. It ends when its
input does.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import queue
import signal
import struct
import sys
import threading
import time
from typing import IO

from emotiond.exceptions import EmotiondError, ModelError, SourceError, cause_of
from emotiond.streamer.batch.analyst import Analyst
from emotiond.streamer.batch.item import Item
from emotiond.streamer.batch.settings import Settings
from emotiond.streamer.readers.opening import State

READY, PROGRESS, FOUND, REFUSED, WARNED = b"Y", b"P", b"F", b"R", b"W"
HEAD = struct.Struct("<cI")
MEMORY = "Use fewer processes, --jobs 1 for instance, or end other programs"
_PROGRESS_SECONDS = 0.5  # from one message about progress to the next


def main() -> None:
    """Analyze the items that are asked for until the command is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    output = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 1)  # whatever a library prints is no answer
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_lines, args=(lines,), daemon=True).start()
    logging.getLogger().handlers = [_Warnings(output)]
    with contextlib.suppress(BrokenPipeError):
        _serve(lines, output)
    os._exit(0)


def _read_lines(lines: queue.SimpleQueue[bytes]) -> None:
    """Pass the requests on. When the command is gone, nobody wants the answer to the last one."""
    for line in sys.stdin.buffer:
        lines.put(line)
    os._exit(0)


def _serve(lines: queue.SimpleQueue[bytes], output: IO[bytes]) -> None:
    settings = json.loads(lines.get())
    expected = settings.pop("sha256")
    try:
        analyst = Analyst(Settings(**settings))
        if analyst.sha256 != expected:
            raise ModelError("the model was replaced a moment ago", "Start again")
    except EmotiondError as error:
        _answer(output, REFUSED, (error.problem, error.remedy))
        return
    except MemoryError:
        _answer(output, REFUSED, ("there is too little memory to read the model", MEMORY))
        return
    gc.freeze()  # what is loaded stays: no collection looks at it again
    _answer(output, READY, None)
    with analyst:
        while True:
            asked, state = json.loads(lines.get())
            item = Item(*asked)
            progress = _Progress(output)
            try:
                findings = analyst.analyze(item, progress.add, State(*state))
            except SourceError as error:
                _answer(output, REFUSED, (error.problem, error.remedy))
            except MemoryError:
                problem = f"{item.file}: there is too little memory for it"
                _answer(output, REFUSED, (problem, MEMORY))
            except Exception as error:  # a fault of ours costs the item, and the run goes on
                problem = f"{item.file}: {cause_of(error)}"
                _answer(output, REFUSED, (problem, "Report it, with this line"))
            else:
                progress.tell()
                sizes = [(finding.values, len(finding.events)) for finding in findings]
                _answer(output, FOUND, sizes, *(finding.events for finding in findings))


def _answer(output: IO[bytes], kind: bytes, content: object, *blobs: bytes) -> None:
    text = json.dumps(content).encode()
    output.write(HEAD.pack(kind, len(text)) + text)
    for blob in blobs:
        output.write(blob)
    output.flush()


class _Progress:
    """Tells now and then how much sound was analyzed."""

    def __init__(self, output: IO[bytes]) -> None:
        self._output = output
        self._told = time.monotonic()
        self._seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count sound."""
        self._seconds += seconds
        if time.monotonic() - self._told > _PROGRESS_SECONDS:
            self.tell()

    def tell(self) -> None:
        """Tell what was counted."""
        _answer(self._output, PROGRESS, self._seconds)
        self._told, self._seconds = time.monotonic(), 0.0


class _Warnings(logging.Handler):
    """Passes warnings on to the command, which logs each of them once."""

    def __init__(self, output: IO[bytes]) -> None:
        super().__init__(logging.WARNING)
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a line on."""
        _answer(self._output, WARNED, record.getMessage())
