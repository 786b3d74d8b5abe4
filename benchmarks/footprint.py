"""Measures processor time, memory and start of a daemon with one stream."""

from __future__ import annotations

import threading
import time

import psutil
from websockets.sync.client import connect

from benchmarks.support.clients import receive_websocket
from benchmarks.support.daemon import running_daemon
from benchmarks.support.demo import DEMO
from benchmarks.support.harness import Section, cpu_share, spread


def measure(quick: bool) -> Section:
    """Play the demo recording in a loop, in real time, to one WebSocket client."""
    repeats, seconds = (1, 5.0) if quick else (2, 8.0)
    runs: dict[str, list[tuple[float, float, float]]] = {"lite": [], "full": []}
    for _ in range(repeats):
        for model, figures in runs.items():
            figures.append(_run(model, seconds))
    return Section(
        title="One stream, stride of 250 ms",
        header=["model", "% of one core", "resident memory, MB", "start to the first event, s"],
        rows=[
            [model, spread(shares), spread(megabytes), spread(starts, 2)]
            for model, figures in runs.items()
            for shares, megabytes, starts in [list(zip(*figures, strict=True))]
        ],
        note="Continuous speech, one WebSocket client. The start includes one stride.",
    )


def _run(model: str, seconds: float) -> tuple[float, float, float]:
    """Return percent of a core, MB, and seconds to the first event."""
    began = time.monotonic()
    with running_daemon("--source", f"voice={DEMO}", "--model", model) as daemon:
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
