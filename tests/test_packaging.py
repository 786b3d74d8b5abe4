"""The wheel: what is in it, and that it runs where nothing else is."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support.daemon import DEMO

ROOT = Path(__file__).parents[1]
pytestmark = [pytest.mark.litert, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from what version control has, outside the tree."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    for name in filter(None, tracked):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, source], check=True
    )
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` folder of a new environment that has the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    scripts = folder / "bin"
    subprocess.run([scripts / "pip", "install", "-q", wheel], check=True)
    return scripts


def test_models_page_and_demo_are_inside_and_tests_are_not(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        *("models/lite.tflite", "models/lite.json", "models/full.tflite", "models/full.json"),
        *("clients/web/index.html", "clients/web/app.js", "streamer/sources/demo.flac"),
        *("streamer/py.typed", "dsp/py.typed", "inference/py.typed"),
    ):
        assert wanted in names
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {
        *("streamer", "dsp", "inference", "clients", "models")
    }


def test_every_file_of_the_page_is_inside(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    page = ROOT / "clients" / "web"
    assert {str(path.relative_to(ROOT)) for path in page.rglob("*") if path.is_file()} <= names


def test_the_licences_of_code_and_weights_are_named(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    text = archive.read(metadata).decode()
    assert "MIT AND CC-BY-NC-SA-4.0" in text
    assert "License-File: LICENSE-weights.md" in text


def test_the_installed_wheel_runs_outside_the_tree(installed: Path, tmp_path: Path) -> None:
    ended = subprocess.run(
        [installed / "emotiond", "analyze", str(DEMO), "--format", "json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ended.stdout)["label"] is not None


def test_the_installed_daemon_serves_its_page(installed: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [installed / "emotiond", "--source", "demo", "--port", "0", "--zmq", "off"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    ) as daemon:
        try:
            assert daemon.stderr is not None
            line = next(line for line in daemon.stderr if "hearing" in line)
            url = line.partition("open ")[2].split()[0]
            with urllib.request.urlopen(url, timeout=10) as page:  # noqa: S310
                assert b"emotiond" in page.read()
        finally:
            daemon.terminate()
        assert daemon.wait(timeout=10) == 0
