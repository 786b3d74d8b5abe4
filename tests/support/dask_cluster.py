"""A real scheduler of Dask and real workers, in processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from tests.support.daemon import PATIENCE_SECONDS
from tests.support.free_port import free_port

STAND_IN = Path(__file__).with_name("dask_stand_in.py")
ROOT = Path(__file__).parents[2]


class DaskCluster:
    """As a context manager, it ends all its processes.

    Args:
        folder: for logs, and what workers keep.
        scheme: ``tcp`` or ``tls``.
        tls: flags with certificates, for scheduler and workers.
    """

    def __init__(self, folder: Path, scheme: str = "tcp", tls: Sequence[str] = ()) -> None:
        self._folder = folder
        self._tls = tls
        self._running: list[subprocess.Popen[bytes]] = []
        self.address = f"{scheme}://127.0.0.1:{free_port()}"
        self.scheduler = self.start_scheduler()

    def __enter__(self) -> DaskCluster:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            with contextlib.suppress(psutil.NoSuchProcess):
                tree = psutil.Process(process.pid)
                for each in (*tree.children(recursive=True), tree):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        each.kill()
            process.wait()

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        host, port = self.address.partition("://")[2].split(":")
        flags = ("--host", host, "--port", port, "--protocol", self.address[:3])
        return self._start("scheduler", *flags, awaits="Scheduler at")

    def start_worker(self, *, nanny: bool = False, threads: int = 1, version: str = "") -> int:
        """Return the number of its process once it is registered."""
        flags = ["--nworkers", "1", "--nthreads", str(threads), "--preload", str(STAND_IN)]
        flags += ["--local-directory", str(self._folder), "--host", "127.0.0.1"]
        flags += ["--protocol", self.address[:3]] if self._tls else []
        flags += [] if nanny else ["--no-nanny"]
        named = {"EMOTIOND_TEST_VERSION": version} if version else {}
        started = self._start("worker", self.address, *flags, awaits="Registered to", **named)
        return started.pid

    def _start(self, what: str, *flags: str, awaits: str, **named: str) -> subprocess.Popen[bytes]:
        log = self._folder / f"{what}-{len(self._running)}.log"
        command = (sys.executable, "-m", f"distributed.cli.dask_{what}")
        environment = {
            **os.environ,
            **named,
            "PYTHONPATH": str(ROOT),
            "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "2s",
        }
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*command, *flags, *self._tls, "--no-dashboard"],
                stdout=file,
                stderr=file,
                env=environment,
            )
        self._running.append(process)
        await_that(lambda: awaits in log.read_text("utf-8"), log)
        return process


def await_that(happens: Callable[[], bool], what: object = "") -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not happens():
        if time.monotonic() > end:
            said = what.read_text("utf-8") if isinstance(what, Path) else what
            raise TimeoutError(f"{said}")
        time.sleep(0.02)


def stop(process: int) -> None:
    os.kill(process, signal.SIGSTOP)


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)
