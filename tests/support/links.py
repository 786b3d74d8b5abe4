"""Two network namespaces with a virtual cable that the test can cut."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

HERE, THERE = "10.87.0.1", "10.87.0.2"
_CLONE_NEWNET = 0x4000_0000

needs_links = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None,
    reason="needs Linux, root, and ip (Debian: iproute2)",
)


class Link:
    """The cable, and the hosts ``HERE`` and ``THERE`` at its ends."""

    def __init__(self, name: str) -> None:
        self._hosts = {HERE: f"{name}a", THERE: f"{name}b"}

    def command(self, address: str, *command: str) -> tuple[str, ...]:
        """Return the command line that runs a command on one of the hosts."""
        return ("ip", "netns", "exec", self._hosts[address], *command)

    def on(self, address: str, work: Callable[[], T]) -> T:
        """Run a function on one of the hosts. The sockets that it opens stay there."""
        results: list[T] = []
        faults: list[BaseException] = []

        def enter_and_work() -> None:
            try:
                _enter(self._hosts[address])
                results.append(work())
            except BaseException as error:  # raised again in the calling thread
                faults.append(error)

        thread = threading.Thread(target=enter_and_work)
        thread.start()
        thread.join()
        if faults:
            raise faults[0]
        return results[0]

    def connect(self, port: int) -> socket.socket:
        """Connect from ``THERE`` to a port ``HERE``."""
        return self.on(THERE, lambda: socket.create_connection((HERE, port), timeout=10))

    def cut(self) -> None:
        """Cut the cable. Neither side gets an error."""
        self._set("down")

    def reconnect(self) -> None:
        """Reconnect the cable."""
        self._set("up")

    def _set(self, state: str) -> None:
        # At the far end: at the near end, the sockets would get an error.
        _ip("-n", self._hosts[THERE], "link", "set", "cable", state)


@contextlib.contextmanager
def link() -> Iterator[Link]:
    """Set up two connected hosts, and remove them afterwards."""
    name = f"emo{os.getpid()}"
    cable = Link(name)
    hosts = ((f"{name}a", HERE), (f"{name}b", THERE))
    try:
        for host, _ in hosts:
            _ip("netns", "add", host)
            _ip("-n", host, "link", "set", "lo", "up")
        ends = ("cable", "netns", hosts[0][0], "type", "veth", "peer", "cable")
        _ip("link", "add", *ends, "netns", hosts[1][0])
        for host, address in hosts:
            _ip("-n", host, "address", "add", f"{address}/30", "dev", "cable")
            _ip("-n", host, "link", "set", "cable", "up")
        yield cable
    finally:
        for host, _ in hosts:
            subprocess.run(["ip", "netns", "del", host], capture_output=True, check=False)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], capture_output=True, check=True)


def _enter(host: str) -> None:
    """Move the calling thread to a host."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(f"/run/netns/{host}").open() as namespace:
        if libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
