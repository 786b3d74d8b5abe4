"""The processes that analyze: each may end at any time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import soundfile

from emotiond.exceptions import ModelError, SourceError
from emotiond.streamer.batch import worker as module
from emotiond.streamer.batch.analyst import Analyst
from emotiond.streamer.batch.item import Item
from emotiond.streamer.batch.settings import Settings
from emotiond.streamer.batch.worker import Worker
from tests.conftest import DATA
from tests.support.kept import seen
from tests.support.signals import RATE, demo

SETTINGS = Settings(str(DATA / "tiny.tflite"), None, 4000)
posix = pytest.mark.skipif(os.name != "posix", reason="needs signals")


@pytest.fixture(scope="module")
def sha256() -> str:
    with Analyst(SETTINGS) as analyst:
        return analyst.sha256


@pytest.fixture(scope="module")
def worker(sha256: str) -> Iterator[Worker]:
    begun = Worker(SETTINGS, sha256)
    yield begun
    begun.close()


@pytest.fixture
def path(tmp_path: Path) -> str:
    soundfile.write(tmp_path / "x.wav", demo()[: 3 * RATE], RATE)
    return str(tmp_path / "x.wav")


def test_it_gives_what_this_process_would(worker: Worker, path: str) -> None:
    told: list[float] = []
    (found,) = worker.analyze(Item(path), told.append, seen(path))
    with Analyst(SETTINGS) as analyst:
        (expected,) = analyst.analyze(Item(path))
    assert found.values == expected.values
    assert len([*found.result(path)["events"]]) == len([*expected.result(path)["events"]])
    assert sum(told) == pytest.approx(3.0)


@pytest.mark.parametrize("name", ["new\nline.wav", "\udcff.wav", "ü.wav"])
def test_any_name_reaches_it(worker: Worker, path: str, name: str) -> None:
    if sys.platform == "darwin" and "\udcff" in name:
        pytest.skip("macOS has no such names")
    other = Path(path).rename(Path(path).with_name(name))
    assert worker.analyze(Item(str(other)), float, seen(str(other)))
    with pytest.raises(SourceError, match="no such file"):
        worker.analyze(Item(f"{other}.none"), float, seen(str(other)))


def test_a_file_that_was_replaced_before_it_is_opened_has_no_result(
    worker: Worker, path: str
) -> None:
    before = seen(path)
    soundfile.write(f"{path}.new.wav", -demo()[: 3 * RATE], RATE)
    os.utime(f"{path}.new.wav", ns=(before.state.modified_ns, before.state.modified_ns))
    Path(f"{path}.new.wav").replace(path)
    with pytest.raises(SourceError, match=r"x\.wav: it has changed while it was read\. Analyze"):
        worker.analyze(Item(path), float, before)
    assert worker.analyze(Item(path), float, seen(path))


@posix
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(worker: Worker, path: str) -> None:
    before = seen(path)
    Path(path).unlink()
    os.mkfifo(path)
    with pytest.raises(SourceError, match=r"x\.wav: it is no file, but a pipe"):
        worker.analyze(Item(path), float, before)


@posix
def test_one_that_is_killed_costs_the_file_that_it_held(worker: Worker, path: str) -> None:
    worker.analyze(Item(path), float, seen(path))
    number = worker._process.pid
    os.kill(number, signal.SIGSTOP)  # it holds the next file, and does not answer

    def kill() -> None:
        os.kill(number, signal.SIGKILL)

    timer = threading.Timer(0.2, kill)
    timer.start()
    with pytest.raises(
        SourceError, match=r"x\.wav: the process .* was ended \(SIGKILL\)\. Use few"
    ):
        worker.analyze(Item(path), float, seen(path))
    assert worker.analyze(Item(path), float, seen(path))
    assert worker._process.pid != number


@posix
def test_its_decoder_ends_with_it(sha256: str, path: str) -> None:
    begun = Worker(SETTINGS, sha256)
    begun.analyze(Item(path), float, seen(path))
    children = psutil.Process(begun._process.pid).children()
    assert children
    begun.close()
    assert psutil.wait_procs(children, timeout=20)[1] == []


def test_it_ends_when_the_command_is_gone(path: str) -> None:
    """Whatever it holds: nobody waits for the answer."""
    program = (
        "import sys, time; from emotiond.streamer.batch.worker import *;"
        f"worker = Worker(Settings(*{list(SETTINGS.to_json().values())!r}), sys.argv[1]);"
        "print(worker._process.pid, flush=True); time.sleep(99)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, "any"], stdout=subprocess.PIPE, text=True
    ) as command:
        assert command.stdout is not None
        working = psutil.Process(int(command.stdout.readline()))
        command.kill()
        working.wait(20)


def test_a_model_that_was_replaced_meanwhile_is_refused(path: str) -> None:
    begun = Worker(SETTINGS, "of another model")
    with pytest.raises(ModelError, match="the model was replaced a moment ago"):
        begun.analyze(Item(path), float, seen(path))
    begun.close()


@posix
def test_one_that_cannot_begin_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, sha256: str, path: str
) -> None:
    monkeypatch.setattr(module, "_COMMAND", "import os; os.kill(os.getpid(), 9)")
    begun = Worker(SETTINGS, sha256)
    with pytest.raises(ModelError, match=r"was ended \(SIGKILL\) before it could begin. Use fewer"):
        begun.analyze(Item(path), float, seen(path))
    begun.close()


def test_one_that_is_closed_starts_no_other(sha256: str, path: str) -> None:
    """Its thread may still have items, as after Ctrl-C: what it starts would never be ended."""
    closed = Worker(SETTINGS, sha256)
    closed.analyze(Item(path), lambda _: None, seen(path))
    before = {child.pid for child in psutil.Process().children()}
    closed.close()
    with pytest.raises(SourceError, match="the run has ended"):
        closed.analyze(Item(path), lambda _: None, seen(path))
    assert {child.pid for child in psutil.Process().children()} < before
