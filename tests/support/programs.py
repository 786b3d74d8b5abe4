"""Limits the programs that tests may start to those that ``tools/need`` installs."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("venv", "portaudio", "sndfile", "chromium", "atomic", "git", "ip")
"""The arguments of ``tools/need``."""
GIVEN = ("git", "make", "python3", "apt", "dpkg")
"""Programs that ``tools/need`` itself requires."""
IS_DEBIAN = shutil.which("dpkg-query") is not None and Path("/etc/debian_version").exists()


_DPKG_QUERY = "dpkg-query"


def watch_programs() -> None:
    """Fail every later test that starts a program which a bare machine lacks."""
    if IS_DEBIAN:
        brought()  # starts programs itself
        sys.addaudithook(_refuse_unexpected)


def _refuse_unexpected(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "subprocess.Popen" or arguments[0] == _DPKG_QUERY:
        return
    name = os.fsdecode(arguments[0])
    # A missing program raises its own error. Programs that the tests made are allowed.
    if shutil.which(name) is not None and is_missing(name):
        raise AssertionError(f"a test starts {name!r}, which tools/need does not install")


def is_missing(name: str) -> bool:
    """Whether tests have no such program: a machine that happens to have one is no reason."""
    path = shutil.which(name)
    if path is None:
        return True
    return IS_DEBIAN and not _is_ours(Path(path)) and not is_brought(Path(path))


def skip_without(*names: str) -> None:
    """Skip a test that needs programs which only ``tools/with-peers`` brings."""
    if missing := [name for name in names if is_missing(name)]:
        pytest.skip(f"needs {', '.join(missing)}: make test-peers")


def _is_ours(path: Path) -> bool:
    """Return whether a program is Python, or lies in the tree or in a folder of the tests."""
    peers = os.environ.get("PEERS_ROOT")
    own: list[str | Path] = [
        ROOT,
        sys.prefix,
        sys.base_prefix,
        tempfile.gettempdir(),
        *([peers] if peers else []),
    ]
    if sys.base_prefix == "/usr":
        own.remove(sys.base_prefix)
    return any(path.is_relative_to(place) for place in own)


def is_brought(path: Path) -> bool:
    """Whether a program or library belongs to a package that every prepared machine has."""
    return package_of(path) in brought()


def package_of(path: Path) -> str:
    """The Debian package of a file; empty if it belongs to none."""
    # Packages name files by /bin and /lib or by /usr/bin and /usr/lib, though both are one.
    real = str(path.resolve())
    names = (str(path), real, real.removeprefix("/usr"))
    return next((owners()[name] for name in names if name in owners()), "")


@functools.cache
def owners() -> Mapping[str, str]:
    """Each file of an installed package, and the first package that has it.

    Asked for all at once: that takes dpkg as long as a single file does.
    """
    # dpkg also reports a diversion, a file that replaces another package's.
    line = r"^(?!diversion )([a-z0-9.+-]+).*?: (/.*)$"
    return {path: package for package, path in re.findall(line, _dpkg("-S", "/*"), re.MULTILINE)}


@functools.cache
def brought() -> Set[str]:
    """The packages of a bare system and of ``tools/need``, with all that they depend on."""
    needed = _output(str(ROOT / "tools" / "need"), "--packages", *PARTS)
    packages = installed()
    names = [*GIVEN, *needed.split()]
    names += [name for name, (essential, _) in packages.items() if essential]
    found: set[str] = set()
    providers = _providers(packages)
    while names:
        name = names.pop()
        for package in providers.get(name, ()):
            if package not in found:
                found.add(package)
                names += packages[package][1]
    return found


def installed() -> Mapping[str, tuple[bool, tuple[str, ...]]]:
    """Every installed package: whether a bare system has it, and what it depends on."""
    fields = "${Package}\t${Essential}${Priority}\t${Pre-Depends}, ${Depends}\n"
    packages = {}
    for line in _dpkg("-W", "-f", fields).splitlines():
        name, kind, depends = line.split("\t")
        names = re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9.+-]+)", depends)
        packages[name] = (kind.startswith("yes") or kind.endswith("required"), tuple(names))
    return packages


def _providers(packages: Mapping[str, object]) -> Mapping[str, list[str]]:
    """Return the packages that provide each name."""
    providers = {name: [name] for name in packages}
    for line in _dpkg("-W", "-f", "${Package}\t${Provides}\n").splitlines():
        package, provides = line.split("\t")
        for name in re.findall(r"(?:^|,)\s*([a-z0-9][a-z0-9.+-]+)", provides):
            providers.setdefault(name, []).append(package)
    return providers


def _dpkg(*arguments: str) -> str:
    return _output(_DPKG_QUERY, *arguments)


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
