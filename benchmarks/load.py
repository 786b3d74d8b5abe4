"""Measures how old the events of a live stream get while others burden the daemon."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import psutil

from benchmarks.support.builds import THIS, builds
from benchmarks.support.daemon import Daemon, running_daemon
from benchmarks.support.demo import DEMO
from benchmarks.support.harness import Plot, Section
from benchmarks.support.inference import inference_ms
from benchmarks.support.loads import LOADS
from benchmarks.support.stamped_client import StampedClient

_MODEL, _STRIDE = "full", "0.1"
_IDLE, _ALL = "none", "all of these"
_BURDENS: Mapping[str, Sequence[str]] = {
    _IDLE: (),
    **{name: (name,) for name in LOADS},
    _ALL: tuple(LOADS),
}
_MOST_ABOVE_IDLE_MS = 2.0
_MOST_ABOVE_INFERENCE_MS = 10.0
_MOST_MEGABYTES = 150
_DESCRIPTORS = 4096


@dataclass
class _Figures:
    """All rounds of one build under one load."""

    ages_ms: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    """Of the events that should have come, in percent."""

    @property
    def p50_ms(self) -> float:
        return float(np.percentile(self.ages_ms, 50)) if self.ages_ms else np.inf

    @property
    def p99_ms(self) -> float:
        return float(np.percentile(self.ages_ms, 99)) if self.ages_ms else np.inf


def measure(quick: bool, beside: str | None = None) -> Section:
    """Burden a daemon in each way alone and in all at once, in rounds that are interleaved.

    Args:
        quick: whether to take a single short round.
        beside: another build, measured in the same rounds: its folder, or a revision.

    Raises:
        RuntimeError: this is not Linux, or has a single core.
    """
    rounds, seconds = (1, 4.0) if quick else (3, 10.0)
    figures: dict[tuple[str, str], _Figures] = {}
    with contextlib.ExitStack() as stack:
        daemon_core, generator_core = stack.enter_context(_two_cores())
        compared = stack.enter_context(builds(beside))
        os.sched_setaffinity(0, {daemon_core})
        infers_ms = inference_ms(_MODEL, float(_STRIDE))
        for _ in range(rounds):
            for load, names in _BURDENS.items():
                for build, its in compared.items():
                    os.sched_setaffinity(0, {daemon_core})  # which the daemon inherits
                    with _daemon(its.environment) as daemon:
                        os.sched_setaffinity(0, {generator_core})
                        result = figures.setdefault((load, build), _Figures())
                        _run(daemon, names, seconds, result)
    return _section(figures, infers_ms)


def _section(figures: Mapping[tuple[str, str], _Figures], infers_ms: float) -> Section:
    rows = []
    for (load, build), found in figures.items():
        above_idle_ms = found.p50_ms - figures[_IDLE, build].p50_ms
        figure = (
            f"{found.p50_ms:.1f}",
            f"{above_idle_ms:+.1f}",
            f"{found.p99_ms:.1f}",
            f"{max(found.megabytes):.0f}",
            f"{np.mean(found.shares):.0f}",
        )
        rows.append([load, build, *figure])
    most_ms = infers_ms + _MOST_ABOVE_INFERENCE_MS
    target = (f"{_MOST_ABOVE_IDLE_MS:+g}", f"{most_ms:.1f}", str(_MOST_MEGABYTES), "100")
    rows.append(["*target*", THIS, "–", *target])
    curves = {
        load if build == THIS else f"{load}, {build}": (
            sorted(found.ages_ms),
            np.linspace(0, 100, len(found.ages_ms)).tolist(),
        )
        for (load, build), found in figures.items()
        if build == THIS or load in (_IDLE, _ALL)
    }
    return Section(
        title="A live stream beside hostile clients",
        header=[
            *("load", "build", "age p50, ms", "p50 beside none, ms", "age p99, ms"),
            *("memory, MB", "events, %"),
        ],
        rows=rows,
        note=f"`{_MODEL}`, stride of {_STRIDE} s. The daemon has one core; loads and the client "
        "that measures, which comes first, have the other one. Loads and builds take turns in "
        "rounds, each with a new daemon. *Age*: from the capture of a window's last sample, in "
        "speech, to the moment when the kernel has the event for a WebSocket client. It includes "
        "5 ms from the last full frame to the end of the stride. *Memory*: resident, of the daemon "
        "and its decoder together, the most of all rounds. The target of p99 is one inference, "
        f"{infers_ms:.1f} ms in a loop just before, and {_MOST_ABOVE_INFERENCE_MS:g} ms.",
        plots={"load": Plot("Age of an event at the client", "age_ms", "% of events", curves)},
    )


def _run(daemon: Daemon, names: Sequence[str], seconds: float, figures: _Figures) -> None:
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(contextlib.closing(StampedClient(daemon.websocket_url)))
        for name in names:
            stack.enter_context(_load(name, daemon))
        arrivals = client.arrivals(seconds)
        parent = psutil.Process(daemon.pid)
        family = [parent, *parent.children(recursive=True)]
        figures.megabytes.append(sum(process.memory_info().rss for process in family) / 1e6)
    speech = [each for each in arrivals if each.event["state"] in ("speech", "uncertain")]
    figures.ages_ms += [each.age_ms for each in speech]
    figures.shares.append(min(100.0, 100 * len(arrivals) * float(_STRIDE) / seconds))


@contextlib.contextmanager
def _daemon(environment: Mapping[str, str]) -> Iterator[Daemon]:
    sound = ("--source", f"voice={DEMO}", "--model", _MODEL, "--stride", _STRIDE)
    with running_daemon(*sound, "--history", "off", environment=environment) as daemon:
        yield daemon


@contextlib.contextmanager
def _load(name: str, daemon: Daemon) -> Iterator[None]:
    """Burden the daemon from a process of its own, which is killed at the end."""
    addresses = (daemon.websocket_url, daemon.zeromq_endpoint)
    command = [sys.executable, "-m", "benchmarks.support.loads", name, *addresses]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise RuntimeError(f"{name}: it did not come about")
            yield
        finally:
            process.kill()


@contextlib.contextmanager
def _two_cores() -> Iterator[tuple[int, int]]:
    """Yield two cores, and let processes open many files. Both are as before at the end."""
    import resource

    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2:
        raise RuntimeError("this needs Linux and two cores")
    cores = os.sched_getaffinity(0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, _DESCRIPTORS)), hard))
    try:
        yield (min(cores), max(cores))
    finally:
        os.sched_setaffinity(0, cores)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
