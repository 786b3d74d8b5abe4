"""Settings of the property tests, the tiny models, and a microphone."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from inference.classifier import Classifier, read_model
from inference.runtime import LITERT, Runtime, find_runtime
from tests.support.sound_server import SoundServer, missing_programs, sound_server

DATA = Path(__file__).parent / "data"

settings.register_profile(
    "default", deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--no-skips``: where everything must be there, as in CI, a skipped test is a failure."""
    parser.addoption("--no-skips", action="store_true", help="fail where a test is skipped")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run for a skip, if so asked."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter is not None and reporter.stats.get("skipped")
    if skipped and session.config.getoption("--no-skips") and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_configure(config: pytest.Config) -> None:
    """Let Ctrl-C reach what the tests start: a shell's background jobs are deaf to it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what is for the other interpreter: it can never run here."""
    other = "tflite_runtime" if find_runtime().package == LITERT else "litert"
    deselected = [item for item in items if item.get_closest_marker(other)]
    items[:] = [item for item in items if item not in deselected]
    config.hook.pytest_deselected(items=deselected)


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
    """Of the tiny model, which always hears a voice."""
    return Classifier(read_model(DATA / "tiny.tflite"), runtime)


@pytest.fixture(scope="session")
def adapting_classifier(runtime: Runtime) -> Classifier:
    """Of the tiny model that takes a speaker's statistics."""
    return Classifier(read_model(DATA / "adapting.tflite"), runtime)


@pytest.fixture
def microphone() -> Iterator[SoundServer]:
    """A headless microphone into which recordings can be played."""
    missing = missing_programs()
    if missing:
        pytest.skip(f"needs {', '.join(missing)} (Debian: pulseaudio, pulseaudio-utils)")
    with sound_server() as server:
        yield server
