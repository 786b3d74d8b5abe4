"""What one stream costs a small computer: processor, memory, the time to start."""

from __future__ import annotations

import threading
import time

import psutil
from websockets.sync.client import connect

from benchmarks.harness import Section, cpu_share, spread
from benchmarks.listening import hear_websocket
from tests.support.daemon import DEMO, running_daemon


def measure(quick: bool) -> Section:
    """The demo recording in a loop, at its own speed, one WebSocket client."""
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
        note="Continuous speech, one WebSocket client. The start holds one stride.",
    )


def _run(model: str, seconds: float) -> tuple[float, float, float]:
    """Percent of a core, MB, seconds to the first event."""
    began = time.monotonic()
    with running_daemon("--source", f"voice={DEMO}", "--model", model) as daemon:
        with connect(daemon.websocket_url, compression=None) as client:
            while '"emotion"' not in str(client.recv(timeout=30)):
                pass
        start = time.monotonic() - began
        url, length = daemon.websocket_url, seconds + 3
        listener = threading.Thread(target=hear_websocket, args=(url, length))
        listener.start()
        time.sleep(2)  # the first windows, and what is allocated with them
        process = psutil.Process(daemon.process.pid)
        share = cpu_share(process, seconds)
        megabytes = process.memory_info().rss / 1e6
        listener.join()
    return share, megabytes, start
