"""Hours of sound through the whole daemon, as fast as possible, while clients come and go."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import soundfile

from tests.support.clients import PASSING_CLIENTS, SequenceCheck, listen, non_reader, subscribe
from tests.support.daemon import Daemon, running_daemon
from tests.support.signals import RATE, demo

TINY = Path(__file__).parents[1] / "data" / "tiny.tflite"

_RECORDING_SECONDS = 600.0  # repeated
_NON_READER_EVERY = 4000  # clients


@dataclass(frozen=True)
class Reading:
    """Resources of the daemon at one moment."""

    audio_hours: float
    megabytes: float
    descriptors: int
    threads: int
    clients: int
    """Number of clients that have connected and left."""


@dataclass(frozen=True)
class Outcome:
    """Results of a whole run."""

    readings: list[Reading]
    """Samples at equal intervals of sound, from a tenth of the run on."""
    websocket: SequenceCheck
    zeromq: SequenceCheck
    clients: Counter[str]
    seconds: float
    stderr: str
    exit_status: int


def soak(hours: float, readings: int) -> Outcome:
    """Run a daemon for these hours of sound, and read its memory, descriptors and threads."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "voice.wav"
        soundfile.write(path, np.resize(demo(), round(_RECORDING_SECONDS * RATE)), RATE)
        options = ("--speed", "max", "--model", str(TINY), "--history", "off")
        with running_daemon("--source", str(path), *options, "--wait-clients", "1") as daemon:
            return asyncio.run(_watch(daemon, hours, readings))


async def _watch(daemon: Daemon, hours: float, requested: int) -> Outcome:
    websocket, zeromq, clients = SequenceCheck(), SequenceCheck(), Counter[str]()
    process, readings, began = psutil.Process(daemon.process.pid), [], time.monotonic()
    stop = threading.Event()
    subscriber = threading.Thread(target=subscribe, args=(daemon.zeromq_endpoint, zeromq, stop))
    subscriber.start()
    listener = asyncio.ensure_future(listen(daemon.websocket_url, websocket))
    passing = asyncio.ensure_future(_come_and_go(daemon, clients))
    try:
        for number in range(requested):
            due_hours = hours * (0.1 + 0.9 * number / (requested - 1))
            is_last = number == requested - 1  # on a busy machine the clients are slower
            while websocket.audio_seconds < 3600 * due_hours or (
                is_last and not clients.keys() >= PASSING_CLIENTS.keys()
            ):
                if passing.done() or listener.done():
                    await asyncio.gather(passing, listener)
                await asyncio.sleep(0.02)
            readings.append(_read(process, due_hours, clients))
    finally:
        for task in (passing, listener):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        stop.set()
        subscriber.join()
    seconds = time.monotonic() - began
    status = await asyncio.to_thread(daemon.stop)
    return Outcome(readings, websocket, zeromq, clients, seconds, daemon.stderr, status)


async def _come_and_go(daemon: Daemon, clients: Counter[str]) -> None:
    for number, (kind, client) in enumerate(itertools.cycle(PASSING_CLIENTS.items()), start=1):
        await client(daemon)
        clients[kind] += 1
        if number % _NON_READER_EVERY == 0:
            await non_reader(daemon)
            clients["non-reader"] += 1


def _read(process: psutil.Process, audio_hours: float, clients: Counter[str]) -> Reading:
    megabytes = process.memory_info().rss / 1e6
    descriptors = process.num_fds() if hasattr(process, "num_fds") else process.num_handles()
    return Reading(audio_hours, megabytes, descriptors, process.num_threads(), clients.total())
