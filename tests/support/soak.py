"""Hours of sound through the whole daemon, as fast as possible, while clients come and go."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import soundfile

from tests.support.clients import (
    MUTER,
    PASSING_CLIENTS,
    SequenceCheck,
    listen,
    non_reader,
    subscribe,
)
from tests.support.daemon import Daemon, running_daemon
from tests.support.signals import RATE, demo

TINY = Path(__file__).parents[1] / "data" / "tiny.tflite"

_RECORDING_SECONDS = 600.0  # repeated
_NON_READER_EVERY = 4000  # clients
_MEANT = (  # one a minute
    "emotiond: a client does not read: dropped",
    "emotiond: too many ZeroMQ connections",
)
_MEANT_AT_THE_END = "connect too often: new ones wait"
_PIECE_SECONDS = 0.02  # of the wire's sound
_STREAMS = ("voice", "room")
_MOST_MEGABYTES = 5.0
_MOST_DESCRIPTORS, _MOST_THREADS = 6, 3  # a client may be connected at that moment


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

    def faults(self) -> list[str]:
        """Whatever is not as it should be: growth, a hole, a line in the log, a sort of client."""
        first, *_, last = self.readings
        lines = self.stderr.splitlines()[1:]  # the first one is the announcement
        found = {
            f"exit status {self.exit_status}": self.exit_status != 0,
            f"{self.websocket.missing} events missing at the WebSocket": self.websocket.missing,
            f"{self.zeromq.missing} events missing at ZeroMQ": self.zeromq.missing,
            f"statuses {dict(self.websocket.statuses)}": not (
                self.websocket.statuses.keys() <= {"running", "muted"}
            ),
            f"grew from {first.megabytes:.1f} to {last.megabytes:.1f} MB": (
                last.megabytes > first.megabytes + _MOST_MEGABYTES
            ),
            "some sort of client never came": not self.clients.keys() >= PASSING_CLIENTS.keys(),
            "nobody muted": not self.clients["muter"],
            **{
                f"in the log: {line}": not (
                    line.startswith(_MEANT) or line.endswith(_MEANT_AT_THE_END)
                )
                for line in lines
            },
            **{
                f"{what} grew from {before} to {after}": after > before + most
                for what, most in (("descriptors", _MOST_DESCRIPTORS), ("threads", _MOST_THREADS))
                for before, after in (self._fewest(what),)
            },
        }
        return [fault for fault, is_there in found.items() if is_there]

    def _fewest(self, what: str) -> tuple[int, int]:
        """Return the fewest of the first and of the second half: clients come and go in between."""
        half = len(self.readings) // 2
        counts = [getattr(reading, what) for reading in self.readings]
        return min(counts[:half]), min(counts[half:])


def soak(
    hours: float, readings: int, report: Callable[[Reading], object] = lambda _: None
) -> Outcome:
    """Run a daemon for these hours of sound, and read its memory, descriptors and threads.

    Args:
        hours: of sound.
        readings: their number, two at least.
        report: called with each.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "voice.wav"
        soundfile.write(path, np.resize(demo(), round(_RECORDING_SECONDS * RATE)), RATE)
        options = ("--speed", "max", "--model", str(TINY), "--wait-clients", "1")
        history = ("--history", str(Path(folder) / "history"))
        with (
            _wire() as port,
            running_daemon(
                *("--source", f"voice={path}", "--source", f"room=wire:127.0.0.1:{port}"),
                *(*options, *history),
                command=(sys.executable, "-m", "tests.support.wire"),
            ) as daemon,
        ):
            return asyncio.run(_watch(daemon, hours, readings, report))


@contextlib.contextmanager
def _wire() -> Iterator[int]:
    """The other end of a wire, which carries sound in real time: a source that can be muted."""
    pcm = (32_767 * demo()).astype("<i2").tobytes()
    size = 2 * round(_PIECE_SECONDS * RATE)
    ending = threading.Event()

    def carry(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            for first in itertools.cycle(range(0, len(pcm) - size, size)):
                if ending.wait(_PIECE_SECONDS):
                    break
                connection.sendall(pcm[first : first + size])

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=carry, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
        ending.set()
        listening.shutdown(socket.SHUT_RDWR)


async def _watch(
    daemon: Daemon, hours: float, requested: int, report: Callable[[Reading], object]
) -> Outcome:
    websocket, zeromq = SequenceCheck(*_STREAMS), SequenceCheck(*_STREAMS)
    clients = Counter[str]()
    process, readings, began = psutil.Process(daemon.process.pid), [], time.monotonic()
    stop = threading.Event()
    subscriber = threading.Thread(target=subscribe, args=(daemon.zeromq_endpoint, zeromq, stop))
    subscriber.start()
    listener = asyncio.ensure_future(listen(daemon.websocket_url, websocket))
    passing = asyncio.gather(_come_and_go(daemon, clients), _mute_and_unmute(daemon, clients))
    try:
        for number in range(requested):
            due_hours = hours * (0.1 + 0.9 * number / (requested - 1))
            is_last = number == requested - 1  # on a busy machine the clients are slower
            while websocket.audio_seconds < 3600 * due_hours or (
                is_last and not clients.keys() >= {*PASSING_CLIENTS, "muter"}
            ):
                if passing.done() or listener.done():
                    await asyncio.gather(passing, listener)
                await asyncio.sleep(0.02)
            readings.append(_read(process, due_hours, clients))
            report(readings[-1])
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


async def _mute_and_unmute(daemon: Daemon, clients: Counter[str]) -> None:
    while True:
        await MUTER(daemon)
        clients["muter"] += 1


def _read(process: psutil.Process, audio_hours: float, clients: Counter[str]) -> Reading:
    megabytes = process.memory_info().rss / 1e6
    descriptors = process.num_fds() if hasattr(process, "num_fds") else process.num_handles()
    return Reading(audio_hours, megabytes, descriptors, process.num_threads(), clients.total())
