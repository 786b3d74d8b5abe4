"""Programs and ports beside a daemon, and what its ``/metrics`` say."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator

from benchmarks.support.daemon import Daemon

_PATIENCE_SECONDS = 20.0


@contextlib.contextmanager
def program(*command: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program that is killed at the end."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def free_port(kind: socket.SocketKind) -> int:
    """Return a port of loopback that nobody has now."""
    with socket.socket(socket.AF_INET, kind) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def metric_of(daemon: Daemon, series: str) -> float:
    """Return the sum of what ``/metrics`` say of all series that begin so; 0 without one."""
    with urllib.request.urlopen(f"{daemon.page_url}metrics", timeout=5.0) as answer:  # noqa: S310
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(series))


def wait_for_broker(daemon: Daemon) -> None:
    """Wait until the daemon has reached the broker of MQTT.

    Raises:
        RuntimeError: it did not, in 20 s.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not metric_of(daemon, "emotiond_mqtt_connected "):
        if time.monotonic() > deadline:
            raise RuntimeError("MQTT: the daemon did not reach the broker")
        time.sleep(0.1)
