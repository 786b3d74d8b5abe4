"""A port of this machine that nobody uses: for what cannot choose one, or comes back to it."""

from __future__ import annotations

import itertools
import os
import random
import socket

_FIRST, _SHARE, _WORKERS = 20_000, 1_500, 8
"""The system gives ports from 32768 on to connections, and to servers that name none."""


def free_port() -> int:
    """Return a port of TCP and UDP that was free a moment ago.

    Nothing gets it by chance, also while a server ends and starts again: each worker of pytest has
    ports of its own, which it takes in turn.
    """
    return next(port for port in _ports if _is_free(port))


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as server:
            try:
                server.bind(("", port))
            except OSError:
                return False
    return True


def _shuffled() -> list[int]:
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
    first = _FIRST + number * _SHARE
    ports = [*range(first, first + _SHARE)]
    random.SystemRandom().shuffle(ports)  # a second run beside this one takes others
    return ports


_ports = itertools.cycle(_shuffled())
