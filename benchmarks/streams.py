"""How many streams one daemon carries, and what as many daemons of one stream would take."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

import numpy as np
import psutil

from benchmarks.harness import Plot, Section
from benchmarks.listening import Arrival, hear_websocket
from tests.support.daemon import DEMO, Daemon, running_daemon

_MOST_AGE_MS = 150.0
_MOST_MISSING = 0.2  # of the events; the first and the last stride of a listener are some
_COUNTS = {"lite": (1, 50, 100, 150, 200, 300, 400), "full": (1, 5, 10, 15, 20, 30, 45)}
_PROCESSES = 8


def measure(quick: bool) -> Section:
    """More and more streams of continuous speech, until one of them gets too old."""
    seconds = 4.0 if quick else 5.0
    rows, curves = [], {}
    for model, counts in _COUNTS.items():
        ages: list[float] = []
        for count in counts[:2] if quick else counts:
            share, megabytes, arrivals = _run(model, count, seconds)
            worst = _worst_p99_ms(arrivals)
            ages.append(worst)
            told = len(arrivals) / (4 * seconds * count)
            row = (str(count), f"{share:.0f}", f"{megabytes:.0f}", f"{worst:.1f}", f"{told:.0%}")
            rows.append([model, *row])
            if worst > _MOST_AGE_MS or told < 1 - _MOST_MISSING:
                break
        curves[model] = (counts[: len(ages)], ages)
    share, megabytes = _one_process_each(seconds)
    rows.append(["lite", f"{_PROCESSES} processes", f"{share:.0f}", f"{megabytes:.0f}", "–", "–"])
    return Section(
        title="Streams in one daemon, stride of 250 ms",
        header=["model", "streams", "% of one core", "MB", "worst stream's age p99, ms", "events"],
        rows=rows,
        note="One thread plays the demo recording to all streams, each at its own moment; one "
        f"WebSocket client hears all of them. It ends where one stream's age at the client is "
        f"above {_MOST_AGE_MS:g} ms, or events are missing, since a daemon that cannot keep up "
        "judges less often. *Processes*: a daemon for each stream, decoders and players included.",
        plots={"streams": Plot("Streams", "streams", "worst age p99, ms", curves)},
    )


@contextlib.contextmanager
def _crowd(model: str, count: int) -> Iterator[Daemon]:
    command = [sys.executable, "-m", "benchmarks.crowd", model, str(count)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Daemon(process)
        finally:
            process.kill()


def _run(model: str, count: int, seconds: float) -> tuple[float, float, list[Arrival]]:
    """Percent of a core, MB, events."""
    with _crowd(model, count) as daemon:
        hear_websocket(daemon.websocket_url, 3)  # all of them begin
        process = psutil.Process(daemon.process.pid)
        before, began = _spent([process]), time.perf_counter()
        arrivals = hear_websocket(daemon.websocket_url, seconds)
        share = (_spent([process]) - before) / (time.perf_counter() - began)  # parting takes time
        megabytes = process.memory_info().rss / 1e6
    return 100 * share, megabytes, arrivals[max(0, count - 2) :]  # without greetings


def _one_process_each(seconds: float) -> tuple[float, float]:
    """Percent of a core and MB of all of them together."""
    with contextlib.ExitStack() as daemons:
        processes = []
        for _ in range(_PROCESSES):
            daemon = running_daemon("--source", f"voice={DEMO}", "--model", "lite")
            parent = psutil.Process(daemons.enter_context(daemon).process.pid)
            processes += [parent, *parent.children()]
        before = _spent(processes)
        psutil.wait_procs(processes, timeout=seconds)
        spent = _spent(processes) - before
        megabytes = sum(process.memory_info().rss for process in processes) / 1e6
    return 100 * spent / seconds, megabytes


def _spent(processes: Sequence[psutil.Process]) -> float:
    """Seconds of processor time."""
    times = [process.cpu_times() for process in processes]
    return float(sum(time.user + time.system for time in times))


def _worst_p99_ms(arrivals: list[Arrival]) -> float:
    ages: dict[str, list[float]] = {}
    for arrival in arrivals:
        ages.setdefault(arrival.event["stream"], []).append(arrival.age_ms)
    return max((float(np.percentile(values, 99)) for values in ages.values()), default=np.inf)
