"""The wheel: what is in it, and that it runs where nothing else is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support.daemon import DEMO

ROOT = Path(__file__).parents[1]
FOLDERS = ("streamer", "dsp", "inference", "clients", "models")
pytestmark = [pytest.mark.litert, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the files under version control to a folder with an arbitrary name outside the tree."""
    source = tmp_path_factory.mktemp("source") / "a-copy.2"
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    for name in filter(None, tracked):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    return source


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from that."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, source], check=True
    )
    return next(folder.glob("*.whl"))


def run_git(folder: Path, *arguments: str, **variables: str) -> str:
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The source distribution and the wheel as ``make dist`` builds them."""
    folder = tmp_path_factory.mktemp("made")
    epoch = run_git(ROOT, "log", "-1", "--format=%ct")
    subprocess.run(
        [sys.executable, ROOT / "tools" / "dist", folder],
        env={**os.environ, "SOURCE_DATE_EPOCH": epoch},
        capture_output=True,
        check=True,
        umask=0o022,
    )
    return sorted(folder.iterdir())


def install_into(folder: Path, *arguments: str | Path) -> None:
    """Make an environment, and install into it with the pip of this one: a second takes long."""
    venv.create(folder, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python"]
    subprocess.run([*pip, "install", "-q", "--no-compile", *arguments], check=True)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` folder of a new environment that has the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("environment")
    install_into(folder, wheel)
    return folder / "bin"


def test_models_page_and_demo_are_inside_and_tests_are_not(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        *("models/lite.tflite", "models/lite.json", "models/full.tflite", "models/full.json"),
        *("clients/web/index.html", "clients/web/app.js", "streamer/sources/demo.flac"),
    ):
        assert f"emotiond/{wanted}" in names
    modules = [name.split("/") for name in names if ".dist-info/" not in name]
    assert {parts[0] for parts in modules} == {"emotiond"}
    assert {parts[1] for parts in modules} == {
        *("__init__.py", "__main__.py", "exceptions.py", "py.typed", *FOLDERS),
    }


def test_every_file_of_the_page_is_inside(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    page = ROOT / "clients" / "web"
    files = (path.relative_to(ROOT) for path in page.rglob("*") if path.is_file())
    assert {f"emotiond/{path.as_posix()}" for path in files} <= names


def test_every_module_is_inside(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    files = (path.relative_to(ROOT) for name in FOLDERS for path in (ROOT / name).rglob("*.py"))
    assert {f"emotiond/{path.as_posix()}" for path in files} <= names


def test_the_source_distribution_makes_the_same_wheel(wheel: Path, made: list[Path]) -> None:
    """As ``pip`` makes from the tree."""
    again = next(path for path in made if path.suffix == ".whl")
    first, second = (
        {file.filename: file.CRC for file in zipfile.ZipFile(path).infolist()}
        for path in (wheel, again)
    )
    assert first == second


def test_folder_rights_times_and_language_leave_no_trace(
    source: Path, made: list[Path], tmp_path: Path
) -> None:
    """Built a second time in another checkout, the files are the same to the byte."""
    epoch = run_git(ROOT, "log", "-1", "--format=%ct")
    checkout = tmp_path / "elsewhere, with spaces"
    shutil.copytree(source, checkout)
    tracked = {line.split("\t")[1]: line for line in run_git(ROOT, "ls-files", "-s").splitlines()}
    for number, name in enumerate(sorted(tracked, reverse=True)):
        path = checkout / name
        if path.is_file():
            path.chmod(0o700 if tracked[name].startswith("100755") else 0o600)
            os.utime(path, (10**9 + number, 10**9 + number))
    run_git(checkout, "init", "--quiet")
    run_git(checkout, "add", "--all")
    (checkout / "streamer" / "left_behind.py").write_text("# Not under version control.")
    subprocess.run(
        [sys.executable, checkout / "tools" / "dist", tmp_path / "again"],
        cwd=tmp_path,
        env={
            **os.environ,
            "SOURCE_DATE_EPOCH": epoch,
            "LC_ALL": "C",
            "TZ": "Pacific/Kiritimati",
            "PYTHONHASHSEED": "7",
        },
        capture_output=True,
        check=True,
        umask=0o077,
    )
    again = sorted((tmp_path / "again").iterdir())
    assert [path.name for path in again] == [path.name for path in made]
    assert [path.suffix for path in again] == [".whl", ".gz"]
    for one, other in zip(made, again, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_distributions_name_nobody_and_have_the_time_of_the_commit(made: list[Path]) -> None:
    wheel, archive = made
    epoch = int(run_git(ROOT, "log", "-1", "--format=%ct"))
    with tarfile.open(archive) as file:
        members = file.getmembers()
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in members} == {(0, 0, "", "", epoch)}
    assert {m.mode for m in members if m.isfile()} <= {0o644, 0o755}
    times = {file.date_time for file in zipfile.ZipFile(wheel).infolist()}
    (year, month, day, hour, minute, second) = time.gmtime(epoch)[:6]
    assert times == {(year, month, day, hour, minute, second // 2 * 2)}


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
            line = next(line for line in daemon.stderr if "listening to" in line)
            url = line.partition("open ")[2].split()[0]
            with urllib.request.urlopen(url, timeout=60) as page:  # noqa: S310
                assert b"emotiond" in page.read()
        finally:
            daemon.terminate()
        assert daemon.wait(timeout=60) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("models",),
        ("analyze", str(DEMO), "--model", "lite"),
        ("run", "--source", "demo", "--once", "--speed", "max", "--port", "0", "--zmq", "off"),
        ("watch", "--help"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_packages_of_common_names_on_the_path_do_not_disturb(
    installed: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    for name in (*FOLDERS, "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('taken')")
    ended = subprocess.run(
        [installed / "emotiond", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "taken" not in ended.stderr


def test_it_takes_no_other_top_level_name(installed: Path, tmp_path: Path) -> None:
    names = (*FOLDERS, "tests", "benchmarks", "tools", "docs")
    program = f"from importlib.util import find_spec; print([n for n in {names} if find_spec(n)])"
    command = [installed / "python", "-c", program]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_the_package_is_the_command_and_its_import_is_cheap(
    installed: Path, tmp_path: Path
) -> None:
    by_module = subprocess.run(
        [installed / "python", "-m", "emotiond", "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    program = (
        "import sys; before = set(sys.modules); import emotiond; "
        "print(emotiond.__version__, sorted(set(sys.modules) - before))"
    )
    imported = subprocess.run(
        [installed / "python", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    version = by_module.stdout.split()[1]
    assert imported.stdout.strip() == f"{version} ['emotiond']"


def test_an_editable_install_has_the_package_whatever_its_folder_is_called(
    source: Path, tmp_path: Path
) -> None:
    install_into(tmp_path / "environment", "--no-deps", "-e", source)
    python = tmp_path / "environment" / "bin" / "python"
    program = (
        "import emotiond, emotiond.clients; print(emotiond.__version__, emotiond.clients.__file__)"
    )
    command = [python, "-c", program]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout.rstrip().partition(" ")[2] == str(source / "clients" / "__init__.py")
