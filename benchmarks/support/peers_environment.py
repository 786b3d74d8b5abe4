"""An environment for tools that are measured beside emotiond, with packages of their own."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

_LIST = Path(__file__).parents[1] / "archive-peers.txt"


@contextlib.contextmanager
def peers_python() -> Iterator[str]:
    """Yield a Python that has them, in a folder that is deleted at the end.

    Raises:
        subprocess.CalledProcessError: they cannot be installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "bin", "python"))
        options = ("--quiet", "--disable-pip-version-check", "--only-binary", ":all:")
        install = ("install", *options, "--no-deps", "--require-hashes", "-r", str(_LIST))
        subprocess.run([python, "-m", "pip", *install], check=True)
        yield python
