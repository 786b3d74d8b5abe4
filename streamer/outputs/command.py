"""Runs the user's command for one event: the values in its environment, the event as its input."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from emotiond.exceptions import printable
from emotiond.streamer.child_processes import apart
from emotiond.streamer.outputs.courier import Outcome
from emotiond.streamer.protocol.events import Change, Event

if TYPE_CHECKING:
    from emotiond.streamer.hub import Message

TERM_SECONDS = 0.5
"""From TERM to KILL."""
_LOOK_SECONDS = 0.01  # between two looks whether anybody of a group is left
_TERM, _KILL = signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)
_PREFIX = (
    "EMOTION_"  # not EMOTIOND_: the daemon refuses settings of that name that it does not know
)
_OF_SERVICE = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC")


class Command:
    """A command that runs for one event at a time, in a process group of its own.

    What it prints is discarded. Whatever it leaves in its group ends with it.

    Args:
        words: the program, and its arguments.
        limit_seconds: how long it may run.
    """

    def __init__(self, words: Sequence[str], limit_seconds: float) -> None:
        self._words = words
        self._limit_seconds = limit_seconds
        self._changed = threading.Condition()
        self._process: subprocess.Popen[bytes] | None = None
        self._ends = False

    def deliver(self, message: Message) -> Outcome:
        """Run it, and wait until it has ended or its time is over.

        One that cannot be ended, since it has another user's rights, keeps the next from starting.
        """
        if self._is_stuck:
            return Outcome("it still runs, and this user may not end it")
        is_late = False
        try:
            process = self._start(variables(message.event))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "its values fit into no environment"
            return Outcome(f"it cannot be started ({reason})")
        if process is None:
            return Outcome("the daemon ends")
        try:
            process.communicate(message.content + b"\n", self._limit_seconds)
        except subprocess.TimeoutExpired:
            is_late = True
        finally:
            self._clear_away(process)
        if is_late or process.returncode is None:
            return Outcome(f"it ran for more than {self._limit_seconds:g} s")
        if process.returncode < 0:
            return Outcome(f"signal {-process.returncode} ended it")
        return Outcome(f"exit status {process.returncode}" if process.returncode else None)

    def end(self, seconds: float) -> None:
        """End what runs, and start nothing more."""
        with self._changed:
            self._ends = True
            if self._process is not None:
                _signal_all(self._process, _TERM)
            self._changed.wait_for(lambda: self._process is None, seconds / 2)
            if self._process is not None:
                _signal_all(self._process, _KILL)

    @property
    def _is_stuck(self) -> bool:
        """Whether the last one could not be ended, and still runs."""
        return self._process is not None and self._process.poll() is None

    def _clear_away(self, process: subprocess.Popen[bytes]) -> None:
        """End what is left of it and of its group: TERM, and KILL where that does not do."""
        if _signal_all(process, _TERM):
            deadline_seconds = time.monotonic() + TERM_SECONDS
            while _is_left(process) and time.monotonic() < deadline_seconds:
                time.sleep(_LOOK_SECONDS)
            _signal_all(process, _KILL)
        with contextlib.suppress(subprocess.TimeoutExpired):  # of root's rights, as by sudo
            process.wait(TERM_SECONDS)
        with self._changed:
            if process.returncode is not None:
                self._process = None
            self._changed.notify_all()
        if process.stdin is not None:
            with contextlib.suppress(OSError):  # it has not read all
                process.stdin.close()

    def _start(self, values: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
        environment = {k: v for k, v in os.environ.items() if k not in _OF_SERVICE}
        with self._changed:
            if self._ends:
                return None
            self._process = subprocess.Popen(  # noqa: S603  # the user's own, without a shell
                self._words,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**environment, **values},
                **apart(),
            )
            return self._process


def variables(event: Event) -> Mapping[str, str]:
    """Return the values of an event for the environment, without control characters.

    A label that is null is empty. The names of streams come from outside: one may hold anything.
    """
    values: dict[str, object] = {"STREAM": event.stream, "SEQ": event.seq, "TYPE": "status"}
    if isinstance(event, Change):
        values |= {
            "TYPE": "change",
            "FROM": event.from_label or "",
            "TO": event.to_label or "",
            "AT": round(event.at, 4),
            "HELD_SECONDS": round(event.held_seconds, 4),
        }
    else:
        values |= {name.upper(): getattr(event, name) for name in ("status", "detail")}
    values["DEMO"] = "1" if event.demo else ""
    values["REPLAY"] = "1" if event.replay else ""
    return {
        f"{_PREFIX}{name}": printable(str(value)).encode("utf-8", "backslashreplace").decode()
        for name, value in values.items()
    }


def _is_left(process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process, or any other one of its group, still runs."""
    if process.poll() is None or sys.platform == "win32":
        return process.returncode is None
    return _signal_all(process, 0)


def _signal_all(process: subprocess.Popen[bytes], number: int) -> bool:
    """Send a signal to all of a process's group, and to the process, which may have left it.

    Returns:
        Whether anybody got it: somebody is left, and this user may end it.
    """
    is_heard = False
    if process.poll() is None:
        with contextlib.suppress(OSError):
            process.send_signal(number)
            is_heard = True
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            os.killpg(process.pid, number)
            is_heard = True
    return is_heard
