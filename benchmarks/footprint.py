"""Measures processor time, memory and start of a daemon with one stream."""

from __future__ import annotations

import threading
import time

import psutil
from websockets.sync.client import connect

from benchmarks.support.builds import Build, builds
from benchmarks.support.clients import receive_websocket
from benchmarks.support.daemon import running_daemon
from benchmarks.support.demo import DEMO
from benchmarks.support.harness import Section, cpu_share, spread


def measure(quick: bool, beside: str | None = None) -> Section:
    """Play the demo recording in a loop, in real time, to one WebSocket client.

    Args:
        quick: whether to measure once, for a short time.
        beside: another build, measured in turns: its folder, or a revision.

    Raises:
        RuntimeError: there is no such build.
    """
    repeats, seconds = (1, 5.0) if quick else (2 if beside is None else 7, 8.0)
    runs: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    with builds(beside) as compared:
        for _ in range(repeats):
            for model in ("lite", "full"):
                for name, build in compared.items():
                    figures = runs.setdefault((model, name), [])
                    figures.append(_run(build, model, seconds))
    return Section(
        title="One stream, stride of 250 ms",
        header=["model", "build", "% of one core", "resident memory, MB", "to the first event, s"],
        rows=[
            [model, name, spread(shares), spread(megabytes), spread(starts, 2)]
            for (model, name), figures in runs.items()
            for shares, megabytes, starts in [list(zip(*figures, strict=True))]
        ],
        note="Continuous speech, one WebSocket client. The start, from the call to the first "
        "event, includes one stride.",
    )


def _run(build: Build, model: str, seconds: float) -> tuple[float, float, float]:
    """Return percent of a core, MB, and seconds to the first event."""
    began = time.monotonic()
    sound = ("--source", f"voice={DEMO}", "--model", model)
    with running_daemon(*sound, environment=build.environment) as daemon:
        with connect(daemon.websocket_url, compression=None) as client:
            while '"emotion"' not in str(client.recv(timeout=30)):
                pass
        start = time.monotonic() - began
        url, length = daemon.websocket_url, seconds + 3
        client_thread = threading.Thread(target=receive_websocket, args=(url, length))
        client_thread.start()
        time.sleep(2)  # the first windows allocate memory
        process = psutil.Process(daemon.pid)
        share = cpu_share(process, seconds)
        megabytes = process.memory_info().rss / 1e6
        client_thread.join()
    return share, megabytes, start
