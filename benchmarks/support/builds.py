"""Another build of emotiond, to measure beside this one."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

_HERE = Path(__file__).parents[2]
_PACKAGE = "emotiond"


@contextlib.contextmanager
def other_build(beside: str) -> Iterator[Mapping[str, str]]:
    """Yield the environment in which ``python -m emotiond`` runs another build.

    It runs with this interpreter and these packages.

    Args:
        beside: the folder of the build, or a revision of this repository.

    Raises:
        RuntimeError: there is neither.
    """
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / _PACKAGE
        if Path(beside).is_dir():
            package.symlink_to(Path(beside).resolve())
        else:
            _unpack(beside, package)
        yield {**os.environ, "PYTHONPATH": folder}


def _unpack(revision: str, folder: Path) -> None:
    """Write the files of a revision, without touching the repository."""
    folder.mkdir()
    archive = subprocess.run(
        ["git", "-C", _HERE, "archive", "--", revision], stdout=subprocess.PIPE, check=False
    )
    if archive.returncode:
        raise RuntimeError(f"{revision} is neither a folder nor a revision of this repository")
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
