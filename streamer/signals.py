"""The daemon's one answer to each signal, from the first instant of the program to its last.

SIGTERM, Ctrl-C, SIGHUP and SIGQUIT end the daemon with exit status 0, however often they come.
SIGUSR1 mutes and unmutes, SIGUSR2 does nothing. Any other command closes what is open at Ctrl-C,
SIGTERM or SIGHUP, and ends with 128 and the number of the signal, as a shell would say. It leaves
the other signals to the system.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from types import FrameType

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
_STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")
_toggles: list[int] = []  # SIGUSR1 that came before there was anything to mute


def handle_early() -> None:
    """End quietly on a signal from now on. Nothing is open yet that would have to be closed.

    A hang-up that is ignored, as under ``nohup``, stays ignored.
    """
    for number in _numbers(_ENDING):
        signal.signal(number, _leave)
    for number in _numbers(("SIGUSR1",)):
        signal.signal(number, lambda *_: _toggles.append(1))
    for number in _numbers(("SIGUSR2",)):
        signal.signal(number, signal.SIG_IGN)


class Stopped(KeyboardInterrupt):
    """A signal asks a command to end.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number
        """The exit status."""


def stop_quietly() -> None:
    """End a command at a signal without a traceback: nothing is open yet, or any more.

    What is ignored stays so: Ctrl-C behind ``&`` in a script, a hang-up under ``nohup``.
    """
    for number in _numbers(_STOPPING):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop_now)


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Let signals raise :class:`Stopped` meanwhile: what is open is closed, and then no more.

    The first one does so; from then on only Ctrl-C does. A terminal that is closed hangs up more
    than once, and so nothing disturbs what closes.
    """
    # No daemon, and no caller's own handlers.
    ours = [number for number in _numbers(_STOPPING) if signal.getsignal(number) is _stop_now]

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in ours:
            if each != signal.SIGINT:
                signal.signal(each, signal.SIG_IGN)
        raise Stopped(number)

    for number in ours:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, _stop_now)


def ignore_late() -> None:
    """Ignore all of these signals from now on: the exit status is known."""
    for number in _numbers((*_ENDING, "SIGUSR1", "SIGUSR2")):
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def handling_signals(stop: Callable[[], None], toggle_mute: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` or ``toggle_mute`` in the event loop on a signal, also for an early SIGUSR1."""
    import asyncio
    import socket

    loop = asyncio.get_running_loop()

    def call(function: Callable[[], None]) -> Callable[[int, FrameType | None], None]:
        def handle(_number: int, _frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(function)

        return handle

    before = {number: signal.signal(number, call(stop)) for number in _numbers(_ENDING)}
    for number in _numbers(("SIGUSR1",)):
        before[number] = signal.signal(number, call(toggle_mute))
    if len(_toggles) % 2:
        toggle_mute()
    _toggles.clear()
    # Another thread may get the signal. This wakes the loop, in whose thread Python handles it.
    waking, woken = socket.socketpair()
    waking.setblocking(False)
    woken.setblocking(False)
    with waking, woken:
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_reader(woken, _empty, woken)
        earlier = signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(earlier)
            with contextlib.suppress(NotImplementedError):  # Windows
                loop.remove_reader(woken)


def _empty(woken: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        woken.recv(4096)


def _leave(*_: object) -> None:
    os._exit(0)


def _stop_now(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)


def _numbers(names: tuple[str, ...]) -> Iterator[signal.Signals]:
    """Yield those of the signals that this system has, but a hang-up that is ignored."""
    for name in names:
        number = getattr(signal, name, None)
        ignored = name == "SIGHUP" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        if number is not None and not ignored:
            yield number
