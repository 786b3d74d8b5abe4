from __future__ import annotations

import asyncio
import os
import signal
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
