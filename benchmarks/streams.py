"""Measures how many streams one daemon carries, beside one daemon for each stream."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

import numpy as np
import psutil

from benchmarks.support.builds import THIS, Build, builds
from benchmarks.support.clients import Arrival, receive_websocket
from benchmarks.support.daemon import announced_daemon, running_daemon
from benchmarks.support.demo import DEMO
from benchmarks.support.harness import Plot, Section

_MOST_AGE_MS = 150.0
_MOST_MISSING = 0.2  # share of the events; includes the first and the last stride of a client
_COUNTS = {
    "lite": (1, 50, 100, 150, 200, 250, 300, 400, 500),
    "full": (1, 5, 10, 15, 20, 30, 45, 60, 90, 120, 160, 200),
}
_PROCESSES = 8


def measure(quick: bool, beside: str | None = None) -> Section:
    """Add streams of continuous speech until the events of one are too old.

    Args:
        quick: whether to measure few streams for a short time.
        beside: another build, measured in turns: its folder, or a revision.

    Raises:
        RuntimeError: there is no such build.
    """
    seconds = 4.0 if quick else 5.0
    rows: list[list[str]] = []
    curves: dict[str, tuple[list[float], list[float]]] = {}
    with builds(beside) as compared:
        for model, counts in _COUNTS.items():
            going_on = dict(compared)
            for count in counts[:2] if quick else counts:
                for name, build in tuple(going_on.items()):
                    share, megabytes, arrivals = _run(build, model, count, seconds)
                    worst = _worst_p99_ms(arrivals)
                    curve = curves.setdefault(
                        model if name == THIS else f"{model}, {name}", ([], [])
                    )
                    curve[0].append(count)
                    curve[1].append(worst)
                    received = len(arrivals) / (4 * seconds * count)
                    figures = (
                        f"{share:.0f}",
                        f"{megabytes:.0f}",
                        f"{worst:.1f}",
                        f"{received:.0%}",
                    )
                    rows.append([model, name, str(count), *figures])
                    if worst > _MOST_AGE_MS or received < 1 - _MOST_MISSING:
                        del going_on[name]
    share, megabytes = _one_process_each(seconds)
    each = (f"{_PROCESSES} processes", f"{share:.0f}", f"{megabytes:.0f}", "–", "–")
    rows.append(["lite", THIS, *each])
    return Section(
        title="Streams in one daemon, stride of 250 ms",
        header=[
            *("model", "build", "streams", "% of one core", "MB"),
            *("worst stream's age p99, ms", "events"),
        ],
        rows=rows,
        note="One thread plays the demo recording to all streams, at different times; one "
        "WebSocket client receives all events. A build's series ends when the age of a stream at "
        f"the client exceeds {_MOST_AGE_MS:g} ms, or when events are missing, since an overloaded "
        "daemon infers less often. *Processes*: a daemon for each stream, including decoders and "
        "players.",
        plots={"streams": Plot("Streams", "streams", "worst age p99, ms", curves)},
    )


def _run(
    build: Build, model: str, count: int, seconds: float
) -> tuple[float, float, list[Arrival]]:
    """Return percent of a core, MB, and the events."""
    command = build.benchmark("many_streams", model, str(count))
    with announced_daemon(command, build.environment) as daemon:
        receive_websocket(daemon.websocket_url, 3)  # all streams start
        process = psutil.Process(daemon.pid)
        before, began = _spent([process]), time.perf_counter()
        arrivals = receive_websocket(daemon.websocket_url, seconds)
        share = (_spent([process]) - before) / (time.perf_counter() - began)  # closing takes time
        megabytes = process.memory_info().rss / 1e6
    return 100 * share, megabytes, arrivals[max(0, count - 2) :]  # without the greeting


def _one_process_each(seconds: float) -> tuple[float, float]:
    """Return percent of a core and MB, summed over all processes."""
    with contextlib.ExitStack() as daemons:
        processes = []
        for _ in range(_PROCESSES):
            daemon = running_daemon("--source", f"voice={DEMO}", "--model", "lite")
            parent = psutil.Process(daemons.enter_context(daemon).pid)
            processes += [parent, *parent.children()]
        before = _spent(processes)
        psutil.wait_procs(processes, timeout=seconds)
        spent = _spent(processes) - before
        megabytes = sum(process.memory_info().rss for process in processes) / 1e6
    return 100 * spent / seconds, megabytes


def _spent(processes: Sequence[psutil.Process]) -> float:
    """Return seconds of processor time."""
    times = [process.cpu_times() for process in processes]
    return float(sum(time.user + time.system for time in times))


def _worst_p99_ms(arrivals: list[Arrival]) -> float:
    ages: dict[str, list[float]] = {}
    for arrival in arrivals:
        ages.setdefault(arrival.event["stream"], []).append(arrival.age_ms)
    return max((float(np.percentile(values, 99)) for values in ages.values()), default=np.inf)
