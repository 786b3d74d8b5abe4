"""The suite's own promises: nothing is skipped unseen, nothing lands in the user's home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from emotiond.streamer.folders import cache_folder, data_folder
from tests.support.daemon import DEMO, emotiond

ROOT = Path(__file__).parents[1]
SKIPS = {
    "a test": "import pytest\ndef test_one(): pytest.skip('no such thing')\n",
    "a marked test": "import pytest\n@pytest.mark.skipif(True, reason='no such thing')\n"
    "def test_one(): pass\n",
    "a file": "import pytest\npytest.skip('no such thing', allow_module_level=True)\n",
}


def pytest_of(tree: Path, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """A run of pytest under the suite's rules, as the user whose home it is."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments, str(tree)],
        cwd=ROOT,
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def inner(tmp_path: Path) -> Path:
    """A test file below this suite's conftest."""
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "conftest.py").write_text(
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom tests.conftest import *\n"
    )
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  peers: x\n")
    return folder


@pytest.mark.parametrize("source", SKIPS.values(), ids=SKIPS)
def test_a_skip_fails_if_skips_are_forbidden(inner: Path, tmp_path: Path, source: str) -> None:
    (inner / "test_inner.py").write_text(source)
    assert pytest_of(inner, home=tmp_path).returncode in (0, 5)
    held = pytest_of(inner, "--no-skips", home=tmp_path)
    assert held.returncode in (1, 2)
    assert "no such thing: with --no-skips, nothing may be skipped" in held.stdout


def test_files_of_the_tests_are_in_a_temporary_home(tmp_path: Path) -> None:
    assert Path.home().name.startswith("emotiond-home-")
    assert data_folder().is_relative_to(Path.home())
    assert cache_folder().is_relative_to(Path.home())
    assert emotiond("analyze", str(DEMO), "--model", "lite").returncode == 0
    assert (cache_folder() / "interpreter-tried").exists()


def test_a_suite_that_changes_the_users_files_fails(inner: Path, tmp_path: Path) -> None:
    kept = tmp_path / ".local" / "share" / "emotiond" / "history.sqlite"
    (inner / "test_inner.py").write_text(
        "from pathlib import Path\ndef test_one():\n"
        f"    path = Path({str(kept)!r})\n    path.parent.mkdir(parents=True)\n"
        "    path.write_text('')\n"
    )
    ended = pytest_of(inner, home=tmp_path)
    assert ended.returncode == 1
    assert f"the tests changed the user's own files: ['{kept}']" in ended.stdout
