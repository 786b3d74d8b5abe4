"""Runs a command, and counts time, processor time and memory of all its processes."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import psutil

_LOOK_SECONDS = 0.05  # from one look at the memory to the next
_BECOME_SUBREAPER = 36  # of prctl


class Run(NamedTuple):
    """What a command took."""

    seconds: float
    processor_seconds: float
    """Of all its processes, on all cores."""
    megabytes: Mapping[str, float]
    """The most memory that a process had in RAM, by what it does."""


def adopt_orphans() -> None:
    """Become the parent of what commands leave behind, whose time would be lost (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_BECOME_SUBREAPER, 1)


def run(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    watches_memory: bool = False,
) -> Run:
    """Run a command up to the end of all its processes.

    Raises:
        RuntimeError: it fails.
    """
    others = {child.pid for child in psutil.Process().children()}
    before, began = _spent(), time.perf_counter()
    most: dict[str, float] = {}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        watched = psutil.Process(process.pid)
        while watches_memory and process.poll() is None:
            _look(watched, most)
            time.sleep(_LOOK_SECONDS)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[:5])} … ended with {process.returncode}")
    while orphans := {child.pid for child in psutil.Process().children()} - others:
        for pid in orphans:
            os.waitpid(pid, 0)
    return Run(seconds, _spent() - before, most)


def processor_seconds(pid: int) -> float:
    """Return what a process and all that it has started have spent, without those that ended."""
    process = psutil.Process(pid)
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def _spent() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _look(command: psutil.Process, most: dict[str, float]) -> None:
    kinds: Mapping[str, Callable[[str], bool]] = {
        "analysis": lambda line: "worker_process" in line,
        "decoder": lambda line: "readers.decoder" in line,
        "command": lambda _line: True,
    }
    for each in (command, *_children(command)):
        try:
            line, size = " ".join(each.cmdline()), each.memory_info().rss / 1e6
        except psutil.Error:  # it has ended
            continue
        kind = next(name for name, fits in kinds.items() if fits(line))
        most[kind] = max(most.get(kind, 0.0), size)


def _children(command: psutil.Process) -> Sequence[psutil.Process]:
    try:
        found: Sequence[psutil.Process] = command.children(recursive=True)
    except psutil.Error:
        return ()
    return found
