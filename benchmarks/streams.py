"""How many streams one daemon carries."""

from __future__ import annotations

import numpy as np
import psutil

from benchmarks.harness import Plot, Section
from benchmarks.listening import Arrival, hear_websocket
from tests.support.daemon import DEMO, running_daemon

_MOST_AGE_MS = 150.0
_COUNTS = {"lite": (1, 20, 50, 100, 150, 200, 300, 400), "full": (1, 5, 10, 15, 20, 30, 45, 60)}


def measure(quick: bool) -> Section:
    """More and more streams of continuous speech, until one of them gets too old."""
    seconds = 4.0 if quick else 20.0
    rows, curves = [], {}
    for model, counts in _COUNTS.items():
        ages: list[float] = []
        for count in counts[:2] if quick else counts:
            share, megabytes, arrivals = _run(model, count, seconds)
            worst = _worst_p99_ms(arrivals)
            ages.append(worst)
            dropped = max(arrival.event["dropped_samples"] for arrival in arrivals)
            row = (str(count), f"{share:.0f}", f"{megabytes:.0f}", f"{worst:.1f}", str(dropped))
            rows.append([model, *row])
            if worst > _MOST_AGE_MS:
                break
        curves[model] = (counts[: len(ages)], ages)
    return Section(
        title="Streams in one daemon, stride of 250 ms",
        header=["model", "streams", "% of one core", "MB", "worst stream's age p99, ms", "lost"],
        rows=rows,
        note="Each stream plays the demo recording; one WebSocket client hears all of them. "
        f"It ends where one stream's age at the client is above {_MOST_AGE_MS:g} ms.",
        plots={"streams": Plot("Streams", "streams", "worst age p99, ms", curves)},
    )


def _run(model: str, count: int, seconds: float) -> tuple[float, float, list[Arrival]]:
    """Percent of a core, MB, events."""
    sources = [part for i in range(count) for part in ("--source", f"s{i}={DEMO}")]
    with running_daemon(*sources, "--model", model) as daemon:
        hear_websocket(daemon.websocket_url, 3)  # all of them begin
        process = psutil.Process(daemon.process.pid)
        before = process.cpu_times()
        arrivals = hear_websocket(daemon.websocket_url, seconds)
        after = process.cpu_times()
        megabytes = process.memory_info().rss / 1e6
    spent = after.user + after.system - before.user - before.system
    return 100 * spent / seconds, megabytes, arrivals


def _worst_p99_ms(arrivals: list[Arrival]) -> float:
    ages: dict[str, list[float]] = {}
    for arrival in arrivals[len({a.event["stream"] for a in arrivals}) :]:  # without greetings
        ages.setdefault(arrival.event["stream"], []).append(arrival.age_ms)
    return max(float(np.percentile(values, 99)) for values in ages.values())
