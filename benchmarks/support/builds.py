"""Another build of emotiond, to measure beside this one."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

THIS = "this one"

_HERE = Path(__file__).parents[2]
_PACKAGE = "emotiond"
_DEMO = Path("streamer", "sources", "demo.flac")


@dataclass(frozen=True)
class Build:
    """A build that runs with this interpreter and these packages."""

    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment in which ``python -m emotiond`` runs the build."""
        folders = (str(self.folder.parent), str(self.folder))
        return {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}

    def benchmark(self, name: str, *arguments: str) -> Sequence[str]:
        """Return the command that runs the build's own ``benchmarks/support/NAME.py``."""
        script = self.folder / "benchmarks" / "support" / f"{name}.py"
        return (sys.executable, str(script), *arguments)


@contextlib.contextmanager
def builds(beside: str | None) -> Iterator[Mapping[str, Build]]:
    """Yield this build, and the one to measure beside it, by name.

    Args:
        beside: the folder of that build, or a revision of this repository, which then gets the
            demo recording of this build; None for none.

    Raises:
        RuntimeError: there is neither.
    """
    with contextlib.ExitStack() as stack:
        found = {THIS: stack.enter_context(_build(str(_HERE)))}
        if beside is not None:
            found[beside] = stack.enter_context(_build(beside))
        yield found


@contextlib.contextmanager
def _build(named: str) -> Iterator[Build]:
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / _PACKAGE
        if Path(named).is_dir():
            package.symlink_to(Path(named).resolve())
        else:
            _unpack(named, package)
            shutil.copy(_HERE / _DEMO, package / _DEMO)
        yield Build(package)


def _unpack(revision: str, folder: Path) -> None:
    """Write the files of a revision, without touching the repository."""
    folder.mkdir()
    archive = subprocess.run(
        ["git", "-C", _HERE, "archive", "--", revision], stdout=subprocess.PIPE, check=False
    )
    if archive.returncode:
        raise RuntimeError(f"{revision} is neither a folder nor a revision of this repository")
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
