"""``tools/need`` installs what the tests use from outside Python."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.programs import IS_DEBIAN, PARTS, ROOT, is_brought, package_of

pytestmark = pytest.mark.skipif(not IS_DEBIAN, reason="asks Debian's package manager")
NEED = str(ROOT / "tools" / "need")
ENVIRONMENT = Path(sys.prefix)


def libraries_of(binary: Path) -> dict[str, str]:
    """The shared libraries that a program or library is linked against, with their places."""
    listed = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False).stdout
    return dict(re.findall(r"^\s*(\S+) => (not found|/\S+)", listed, re.MULTILINE))


def linked(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if re.search(r"\.so[.0-9]*$", path.name)]


def package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def foreign(binaries: list[Path]) -> dict[str, str]:
    """Libraries that are missing, or that no package which is always there has brought."""
    found: dict[str, str] = {}
    for binary in binaries:
        for name, place in libraries_of(binary).items():
            own = place.startswith((str(ENVIRONMENT), sys.base_prefix + "/lib/python"))
            if place == "not found":
                found[name] = f"{binary} does not find it"
            elif not own and not is_brought(Path(place)):
                found[name] = f"{binary} takes it from {package_of(Path(place)) or place}"
    return found


@pytest.mark.litert
def test_the_browser_and_its_driver_find_their_libraries() -> None:
    driver = package_folder("playwright") / "driver" / "node"
    browser = shutil.which("chromium")
    assert browser is not None
    real = Path("/usr/lib/chromium/chromium")
    assert foreign([driver, real if real.exists() else Path(browser)]) == {}


@pytest.mark.parametrize("name", ["numpy", "soxr", "zmq"])
def test_what_the_daemon_loads_finds_its_libraries(name: str) -> None:
    folder = package_folder(name)
    beside = folder.parent / f"{name}.libs"  # what the wheel brings with it
    binaries = [*linked(folder), *linked(beside)]
    assert binaries
    assert foreign(binaries) == {}


def test_a_program_that_is_not_installed_for_the_tests_is_refused() -> None:
    """The same hook watches the whole suite."""
    script = (
        "import subprocess; from tests.support import programs; "
        "programs.is_brought = lambda path: False; programs.watch_programs(); "
        "subprocess.run(['cat'])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "a test starts 'cat', which tools/need does not install" in ended.stderr


def test_each_part_names_its_packages() -> None:
    named = subprocess.run(
        [NEED, "--packages", *PARTS], capture_output=True, text=True, check=True
    ).stdout.split()
    assert len(named) >= len(PARTS)


def test_without_required_tools_the_only_output_is_the_remedy(tmp_path: Path) -> None:
    """A Python without venv, no apt-get: one sentence, on standard output, for make to end with."""
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    for name in ("sh", "uname", "id", "dirname"):
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    ended = subprocess.run(
        [NEED, "venv"],
        env={"PATH": str(tmp_path), "PYTHON": str(python)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (1, "")
    assert re.fullmatch(r"emotiond needs python3-venv\. Install .*\n", ended.stdout)
