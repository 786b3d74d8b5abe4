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


INTERRUPTED = 130
MOMENTS = """
import os, signal, sys
from emotiond.streamer import signals
def work():
    with signals.interruptible():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            print("closed", flush=True)
signals.interrupt_quietly()
if sys.argv[1] == "before":
    os.kill(os.getpid(), signal.SIGINT)
try:
    work()
except KeyboardInterrupt:
    print("caught", flush=True)
if sys.argv[1] == "after":
    os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize(
    ("moment", "shown", "status"),
    [("before", "", INTERRUPTED), ("during", "closed\ncaught\n", 0),
     ("after", "closed\ncaught\n", INTERRUPTED)],
)  # fmt: skip
def test_an_interrupted_command_closes_what_is_open_and_shows_no_traceback(
    moment: str, shown: str, status: int
) -> None:
    command = [sys.executable, "-c", MOMENTS, moment]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr, ended.returncode) == (shown, "", status)


INTERRUPTING = """
import os, signal, sys
import emotiond.__main__ as program
moment = sys.argv.pop(1)
class Interrupting:
    def find_spec(self, name, *_):
        if name == moment:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
raise SystemExit(program.main())
"""


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("module", ["emotiond.streamer.cli", "emotiond.streamer.offline.analyze"])
def test_a_command_that_is_interrupted_while_it_starts_or_works_ends_quietly(module: str) -> None:
    """The signal comes when it imports a module."""
    command = [sys.executable, "-c", INTERRUPTING, module, "analyze", "none.wav"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("", "", INTERRUPTED)
