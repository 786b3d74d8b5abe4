"""Settings of the property tests, the tiny models, and a microphone."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Generator, Iterator, Set
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from emotiond.inference.classifier import Classifier
from emotiond.inference.model import read_model
from emotiond.inference.runtime import LITERT, Runtime, find_runtime
from tests.support.chromium import running_chromium
from tests.support.home import leave_home
from tests.support.pipewire import PipeWire, running_pipewire
from tests.support.programs import watch_programs
from tests.support.sound_server import SoundServer, sound_server

ROOT = Path(__file__).parents[1]
DATA = Path(__file__).parent / "data"
MAKING = [ROOT / "tests" / part for part in ("models/training", "tools", "test_packaging.py")]
COME_BACK = pytest.StashKey[Callable[[], Set[str]]]()

settings.register_profile(
    "default", deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--no-skips`` is for CI, which has everything."""
    parser.addoption("--no-skips", action="store_true", help="fail where a test is skipped")


def fail_if_skipped(
    config: pytest.Config, report: pytest.TestReport | pytest.CollectReport
) -> None:
    """Make a failure of a skip, if so asked."""
    if report.skipped and not hasattr(report, "wasxfail") and config.getoption("--no-skips"):
        report.outcome = "failed"
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"{reason}: with --no-skips, nothing may be skipped"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Hold tests to ``--no-skips``."""
    report = yield
    fail_if_skipped(item.config, report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Hold whole files to it, too."""
    report = yield
    fail_if_skipped(collector.config, report)
    return report


class RootFolder:
    """Keeps pytest from importing the root, the package emotiond, by its folder's name."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_directory(
        self, path: Path, parent: pytest.Collector
    ) -> pytest.Collector | None:
        """A plain folder where pytest sees a package."""
        return pytest.Dir.from_parent(parent, path=path) if path == ROOT else None


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the process before anything is imported for a test."""
    # Let Ctrl-C reach what the tests start: a shell's background jobs are deaf to it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.pluginmanager.register(RootFolder())
    watch_programs()
    if not hasattr(config, "workerinput"):  # once, not again in each process of pytest-xdist
        config.stash[COME_BACK] = leave_home()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where the tests have changed what the user keeps."""
    come_back = session.config.stash.get(COME_BACK, None)
    if come_back is not None and (changed := come_back()):
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        assert reporter is not None
        reporter.write_line(
            f"\nthe tests changed the user's own files: {sorted(changed)}", red=True
        )
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what has a target of its own, deselect what can never run here, put browsers last."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if {"microphone", "pipewire", "postgresql"} & fixtures:
            item.add_marker(pytest.mark.peers)
        if "chromium" in fixtures:
            item.add_marker(pytest.mark.browser)
        if any(path in (item.path, *item.path.parents) for path in MAKING):
            item.add_marker(pytest.mark.making)
    never = {"tflite_runtime" if find_runtime().package == LITERT else "litert"}
    if version("websockets").startswith("16."):
        never.add("websockets_17")
    if "HOME_ASSISTANT_PYTHON" not in os.environ:
        never.add("home_assistant")
    deselected = [item for item in items if any(item.get_closest_marker(name) for name in never)]
    items[:] = [item for item in items if item not in deselected]
    config.hook.pytest_deselected(items=deselected)
    # One browser for all of them: while Playwright lives, an event loop runs in this thread.
    last = {item.path for item in items if item.get_closest_marker("browser")}
    items.sort(key=lambda item: item.path in last)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A copy of a tiny real model, with its card beside it, that a test may break."""
    for name in ("tiny.tflite", "tiny.json"):
        shutil.copy(DATA / name, tmp_path)
    return tmp_path / "tiny.tflite"


@pytest.fixture(scope="session")
def runtime() -> Runtime:
    """The interpreter of this machine."""
    return find_runtime()


@pytest.fixture(scope="session")
def tiny_classifier(runtime: Runtime) -> Classifier:
    """Classifier with the tiny model, which always detects a voice."""
    return Classifier(read_model(DATA / "tiny.tflite"), runtime)


@pytest.fixture(scope="session")
def adapting_classifier(runtime: Runtime) -> Classifier:
    """Classifier with the tiny model that takes a speaker's statistics."""
    return Classifier(read_model(DATA / "adapting.tflite"), runtime)


@pytest.fixture(scope="session")
def past_classifier(runtime: Runtime) -> Classifier:
    """The tiny model whose encoder keeps a past of each kind."""
    return Classifier(read_model(DATA / "past.tflite"), runtime)


@pytest.fixture
def hang_ups() -> Iterator[None]:
    """Hang-ups end a process, and what it starts. Tests under ``nohup`` inherit ignored ones."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def microphone() -> Iterator[SoundServer]:
    """A headless microphone into which recordings can be played."""
    with sound_server() as server:
        yield server


@pytest.fixture
def pipewire() -> Iterator[PipeWire]:
    """A headless PipeWire with a loudspeaker, where microphones can be plugged in."""
    with running_pipewire() as server:
        yield server


# Files with a browser are the last ones: see pytest_collection_modifyitems.
@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The browser of this machine."""
    with running_chromium(tmp_path_factory.mktemp("voice")) as browser:
        yield browser


@pytest.fixture(scope="session")
def axe() -> str:
    pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python")
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


@pytest.fixture
def violations(axe: str) -> Callable[[Any], list[str]]:
    """Return a function that lists axe-core's complaints about a page, with their elements."""

    def look(page: Any) -> list[str]:
        # Evaluated, not added as a script: the page's own policy would refuse that.
        page.evaluate(axe)
        found = page.evaluate("async () => (await axe.run()).violations")
        return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]

    return look
