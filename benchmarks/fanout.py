"""Measures the cost of a thousand WebSocket clients, beside other servers."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import psutil

from benchmarks.support.daemon import running_daemon
from benchmarks.support.demo import DEMO
from benchmarks.support.harness import Plot, Section, cpu_share, spread
from benchmarks.support.many_clients import ManyClients
from benchmarks.support.servers import PERIOD_SECONDS, SERVERS

_OURS = "emotiond, lite"
_BESIDE_STALLED = "emotiond, lite, beside 50 that never read"
_STALLED = {_BESIDE_STALLED: 50}
_CONNECTIONS = ("--max-connections", "1100")


def measure(quick: bool) -> Section:
    """Measure processor time with 1, 10, 100 and 1,000 clients at 4 messages a second each."""
    counts = (1, 200) if quick else (1, 10, 100, 1000)
    repeats, seconds = (1, 4.0) if quick else (2, 4.0)
    rows, curves = [], {}
    shares: dict[str, dict[int, list[float]]] = {}
    delays: dict[str, list[float]] = {}
    for repeat in range(repeats):
        for name in (_OURS, _BESIDE_STALLED, *SERVERS):
            for count in counts if name == _OURS and not repeat else (counts[0], counts[-1]):
                share, delays[name] = asyncio.run(_run(name, count, seconds))
                shares.setdefault(name, {}).setdefault(count, []).append(share)
    for name, by_count in shares.items():
        cost = [
            _microseconds(last - first, counts[-1] - counts[0])
            for first, last in zip(by_count[counts[0]], by_count[counts[-1]], strict=True)
        ]
        p50, p99 = np.percentile(delays[name], [50, 99])
        rows.append([name, spread(cost), f"{p50:.1f}", f"{p99:.1f}"])
        medians = [float(np.median(values)) for values in by_count.values()]
        curves[name] = (tuple(by_count), medians)
    return Section(
        title=f"{counts[-1]} WebSocket clients at {1 / PERIOD_SECONDS:g} messages a second",
        header=["server", "µs per client and message", "delay p50, ms", "delay p99, ms"],
        rows=rows,
        note=f"Processor time of the server with {counts[-1]} clients minus that with {counts[0]}, "
        "which leaves out the cost of inference. *Delay*: from the sending to each client; it "
        "includes the time of the benchmark's own clients on the other core.",
        plots={"fanout": Plot("Clients", "clients", "% of one core", curves)},
    )


def _microseconds(percent_of_a_core: float, clients: int) -> float:
    return percent_of_a_core / 100 * 1e6 * PERIOD_SECONDS / clients


async def _run(name: str, count: int, seconds: float) -> tuple[float, list[float]]:
    """Return percent of a core, and the delays in ms."""
    with _server(name) as (url, pid):
        clients = ManyClients(url)
        await clients.connect(count)
        await clients.connect(_STALLED.get(name, 0), stalled=True)
        await asyncio.sleep(1)
        clients.delays_ms.clear()
        share = await asyncio.to_thread(cpu_share, psutil.Process(pid), seconds)
        clients.close()
    return share, clients.delays_ms


@contextlib.contextmanager
def _server(name: str) -> Iterator[tuple[str, int]]:
    """Run a server; yield its URL and its process."""
    if name not in SERVERS:
        with running_daemon(
            "--source", f"voice={DEMO}", "--model", "lite", *_CONNECTIONS
        ) as daemon:
            yield daemon.websocket_url, daemon.pid
        return
    command = [sys.executable, "-m", "benchmarks.support.servers", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.kill()
