from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from emotiond.streamer.signals import handling_signals


@pytest.mark.usefixtures("hang_ups")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGUSR1")
@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("SIGTERM", "stop"),
        ("SIGHUP", "stop"),
        ("SIGQUIT", "stop"),
        ("SIGINT", "stop"),
        ("SIGUSR1", "mute"),
    ],
)
def test_signals_call_back_in_the_loop(name: str, called: str) -> None:
    async def receive() -> str:
        queue: asyncio.Queue[str] = asyncio.Queue()
        with handling_signals(lambda: queue.put_nowait("stop"), lambda: queue.put_nowait("mute")):
            os.kill(os.getpid(), getattr(signal, name))
            return await asyncio.wait_for(queue.get(), 5)

    assert asyncio.run(receive()) == called


STOPPING = ["SIGINT", "SIGTERM", "SIGHUP"]
MOMENTS = """
import os, signal, sys
from emotiond.streamer import signals
moment, number = sys.argv[1], getattr(signal, sys.argv[2])
def work():
    with signals.stoppable():
        try:
            os.kill(os.getpid(), number)
        finally:
            if number != signal.SIGINT:
                os.kill(os.getpid(), number)
            print("closed", flush=True)
signals.stop_quietly()
if moment == "before":
    os.kill(os.getpid(), number)
try:
    work()
except signals.Stopped as stopped:
    print("caught", stopped.status, flush=True)
if moment == "after":
    os.kill(os.getpid(), number)
"""


def ended_by(name: str) -> int:
    return 128 + getattr(signal, name)


@pytest.mark.usefixtures("hang_ups")
@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("name", STOPPING)
@pytest.mark.parametrize("moment", ["before", "during", "after"])
def test_a_command_that_is_stopped_closes_what_is_open_and_shows_no_traceback(
    moment: str, name: str
) -> None:
    """SIGTERM and a hang-up do not disturb what closes when they come again."""
    command = [sys.executable, "-c", MOMENTS, moment, name]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    shown = "" if moment == "before" else f"closed\ncaught {ended_by(name)}\n"
    status = 0 if moment == "during" else ended_by(name)
    assert (ended.stdout, ended.stderr, ended.returncode) == (shown, "", status)


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_what_is_ignored_stays_ignored() -> None:
    """As Ctrl-C behind ``&`` in a script, and a hang-up under ``nohup``."""
    program = """
import os, signal
from emotiond.streamer import signals
for number in (signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
signals.stop_quietly()
with signals.stoppable():
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGHUP)
    print("goes on", flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ended.stdout == "goes on\n"
    assert "Stopped" in ended.stderr  # the command line would catch it


INTERRUPTING = """
import os, signal, sys
import emotiond.__main__ as program
moment, name = sys.argv.pop(1), sys.argv.pop(1)
class Interrupting:
    def find_spec(self, module, *_):
        if module == moment:
            os.kill(os.getpid(), getattr(signal, name))
sys.meta_path.insert(0, Interrupting())
raise SystemExit(program.main())
"""


@pytest.mark.usefixtures("hang_ups")
@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("emotiond.streamer.cli", "SIGINT"),
        ("emotiond.streamer.cli", "SIGTERM"),
        ("emotiond.streamer.offline.analyze", "SIGINT"),
        ("emotiond.streamer.offline.analyze", "SIGHUP"),
    ],
)
def test_a_command_that_is_stopped_while_it_starts_or_works_ends_quietly(
    module: str, name: str
) -> None:
    """The signal comes when it imports a module."""
    command = [sys.executable, "-c", INTERRUPTING, module, name, "analyze", "none.wav"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("", "", ended_by(name))
