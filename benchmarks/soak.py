"""A day of sound through the whole daemon, as fast as it goes, with clients coming and going."""

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

from benchmarks.harness import Plot, Section
from benchmarks.visitors import DEAF, VISITORS, Witness, listen, subscribe
from tests.conftest import DATA
from tests.support.daemon import Daemon, running_daemon
from tests.support.signals import RATE, demo

_RECORDING_SECONDS = 600.0  # that is played over and over
_DEAF_EVERY = 4000  # visits


@dataclass(frozen=True)
class Reading:
    """What the daemon takes at one moment."""

    audio_hours: float
    megabytes: float
    descriptors: int
    threads: int
    visits: int


@dataclass(frozen=True)
class Outcome:
    """Of a whole run."""

    readings: list[Reading]
    """At equal distances of sound, the first one after a tenth of it."""
    websocket: Witness
    zeromq: Witness
    visits: Counter[str]
    seconds: float
    stderr: str
    exit_status: int


def measure(quick: bool) -> Section:
    """A day with the tiny model of the tests: everything but the model is the real thing."""
    outcome = soak(hours=0.5 if quick else 24.0, readings=12)
    rows = [
        [
            *(f"{reading.audio_hours:.1f}", f"{reading.megabytes:.1f}"),
            *(str(reading.descriptors), str(reading.threads), str(reading.visits)),
        ]
        for reading in outcome.readings
    ]
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(outcome.visits.items()))
    hours, sizes = zip(*((r.audio_hours, r.megabytes) for r in outcome.readings), strict=True)
    return Section(
        title="A day of sound",
        header=["hours of sound", "MB", "descriptors", "threads", "clients so far"],
        rows=rows,
        note=f"Took {outcome.seconds / 60:.0f} minutes. Events by WebSocket: "
        f"{outcome.websocket.events}, missing: {outcome.websocket.holes}; by ZeroMQ: "
        f"{outcome.zeromq.events}, missing: {outcome.zeromq.holes}. Clients: {kinds}.",
        plots={"soak": Plot("Memory", "hours of sound", "MB", {"emotiond": (hours, sizes)})},
    )


def soak(hours: float, readings: int) -> Outcome:
    """Run a daemon for so much sound, and read its memory, descriptors and threads."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "voice.wav"
        soundfile.write(path, np.resize(demo(), round(_RECORDING_SECONDS * RATE)), RATE)
        options = ("--speed", "max", "--model", str(DATA / "tiny.tflite"), "--history", "off")
        with running_daemon("--source", str(path), *options, "--wait-clients", "1") as daemon:
            return asyncio.run(_watch(daemon, hours, readings))


async def _watch(daemon: Daemon, hours: float, wanted: int) -> Outcome:
    websocket, zeromq, visits = Witness(), Witness(), Counter[str]()
    process, readings, began = psutil.Process(daemon.process.pid), [], time.monotonic()
    stop = threading.Event()
    subscriber = threading.Thread(target=subscribe, args=(daemon.zeromq_endpoint, zeromq, stop))
    subscriber.start()
    listener = asyncio.ensure_future(listen(daemon.websocket_url, websocket))
    visitors = asyncio.ensure_future(_let_visit(daemon, visits))
    try:
        for number in range(wanted):
            due_hours = hours * (0.1 + 0.9 * number / (wanted - 1))
            while websocket.audio_seconds < 3600 * due_hours:
                if visitors.done() or listener.done():
                    await asyncio.gather(visitors, listener)
                await asyncio.sleep(0.02)
            readings.append(_read(process, due_hours, visits))
    finally:
        for task in (visitors, listener):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        stop.set()
        subscriber.join()
    seconds = time.monotonic() - began
    status = await asyncio.to_thread(daemon.stop)
    return Outcome(readings, websocket, zeromq, visits, seconds, daemon.stderr, status)


async def _let_visit(daemon: Daemon, visits: Counter[str]) -> None:
    for number, (kind, visit) in enumerate(itertools.cycle(VISITORS.items()), start=1):
        await visit(daemon)
        visits[kind] += 1
        if number % _DEAF_EVERY == 0:
            await DEAF(daemon)
            visits["deaf"] += 1


def _read(process: psutil.Process, audio_hours: float, visits: Counter[str]) -> Reading:
    megabytes = process.memory_info().rss / 1e6
    descriptors = process.num_fds() if hasattr(process, "num_fds") else process.num_handles()
    return Reading(audio_hours, megabytes, descriptors, process.num_threads(), visits.total())
