"""A real Caddy in front of a daemon, as a reverse proxy."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.nginx import wait_for_port

_GLOBAL = "{\n\tadmin off\n}\n"


@contextlib.contextmanager
def running_caddy(folder: Path, sites: str, port: int) -> Iterator[None]:
    """Run Caddy.

    Args:
        folder: an empty one, for its files.
        sites: the Caddyfile, without global options.
        port: one that the sites listen on.
    """
    (folder / "Caddyfile").write_text(_GLOBAL + sites)
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "caddy.log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **home}, stderr=log)
    with process:
        try:
            wait_for_port(port, process)
            yield
        finally:
            process.terminate()
