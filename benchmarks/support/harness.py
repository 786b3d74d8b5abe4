"""Interleaved repeats, medians and spread, tables, and a description of the machine."""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

_CALLS = 10


@dataclass(frozen=True)
class Plot:
    """Curves in one pair of axes."""

    title: str
    x: str
    y: str
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    """x and y values by name."""
    logarithmic: bool = False
    """Whether both axes are logarithmic."""


@dataclass(frozen=True)
class Section:
    """The results of one benchmark."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    """How it was measured."""
    plots: Mapping[str, Plot] = field(default_factory=dict)
    """Plots by file name, without the suffix."""

    def to_markdown(self) -> str:
        """Return heading, note, table and pictures."""
        lines = [f"## {self.title}", "", self.note, ""] if self.note else [f"## {self.title}", ""]
        lines += [_row(self.header), _row(["---"] * len(self.header))]
        lines += [_row(row) for row in self.rows]
        for name, plot in self.plots.items():
            lines += ["", f"![{plot.title}]({name}.png)"]
        return "\n".join(lines) + "\n"


def interleaved(
    variants: Mapping[str, Callable[[], object]], repeats: int
) -> Mapping[str, Sequence[float]]:
    """Return the duration of each call in µs.

    The variants alternate, so that other load on the machine affects all of them equally. Each
    runs ten calls at a time, after one unmeasured call that fills the caches.
    """
    spent: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(math.ceil(repeats / _CALLS)):
        for name, call in variants.items():
            call()
            for _ in range(_CALLS):
                began = time.perf_counter_ns()
                call()
                spent[name].append((time.perf_counter_ns() - began) / 1000)
    return spent


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Return the median, with the tenth and the ninetieth percentile in brackets."""
    low, median, high = np.percentile(np.asarray(values), [10, 50, 90])
    return f"{median:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def cpu_share(process: psutil.Process, seconds: float) -> float:
    """Return the processor time of a process over this time, in percent of one core."""
    before = process.cpu_times()
    began = time.perf_counter()
    time.sleep(seconds)
    after = process.cpu_times()
    spent = float(after.user + after.system - before.user - before.system)
    return 100 * spent / (time.perf_counter() - began)


def machine() -> str:
    """Return processor, system, versions and load as a Markdown list."""
    packages = (
        *("numpy", "ai-edge-litert", "websockets", "pyzmq", "librosa", "kaldi-native-fbank"),
        *("python_speech_features", "picows", "aiohttp"),
    )
    versions = ", ".join(f"{name} {_version(name)}" for name in packages)
    load = f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown"
    return (
        f"- {_processor()}, {os.cpu_count()} cores, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB\n"
        f"- {platform.system()} {platform.machine()}, Python {platform.python_version()}\n"
        f"- {versions}\n"
        f"- load average before the first benchmark: {load}\n"
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
