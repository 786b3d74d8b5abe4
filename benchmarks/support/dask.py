"""A scheduler of Dask and workers with a thread each, in processes."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.support.commands import processor_seconds

_PATIENCE_SECONDS = 60.0


class Cluster(NamedTuple):
    """A running cluster."""

    address: str
    pids: tuple[int, ...]

    @property
    def processor_seconds(self) -> float:
        """What all its processes have spent so far."""
        return sum(processor_seconds(pid) for pid in self.pids)


@contextlib.contextmanager
def cluster(folder: Path, workers: int, environment: Mapping[str, str]) -> Iterator[Cluster]:
    """Run a cluster. All its processes are killed at the end.

    Args:
        folder: for what it keeps, new.
        workers: how many there are.
        environment: in which they find emotiond.

    Raises:
        RuntimeError: it does not start.
    """
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    address = f"tcp://127.0.0.1:{port}"
    here = ("--host", "127.0.0.1", "--no-dashboard")
    single = ("--nworkers", "1", "--nthreads", "1", "--no-nanny", "--local-directory", str(folder))
    with contextlib.ExitStack() as stack:
        pids = []
        for number in range(workers + 1):
            what = "worker" if number else "scheduler"
            own = (address, *single) if number else ("--port", port)
            command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *own, *here]
            log = folder / f"{number}.log"
            pids.append(stack.enter_context(_running(command, log, environment)))
            _await("Registered to" if number else "Scheduler at", log)
        yield Cluster(address, tuple(pids))


@contextlib.contextmanager
def _running(command: list[str], log: Path, environment: Mapping[str, str]) -> Iterator[int]:
    with (
        log.open("wb") as file,
        subprocess.Popen(command, stdout=file, stderr=file, env=environment) as process,
    ):
        try:
            yield process.pid
        finally:
            tree = psutil.Process(process.pid)
            for each in (*tree.children(recursive=True), tree):
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()


def _await(words: str, log: Path) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while words not in log.read_text("utf-8"):
        if time.monotonic() > end:
            raise RuntimeError(f"no cluster: {log.read_text('utf-8')[-500:]}")
        time.sleep(0.1)
