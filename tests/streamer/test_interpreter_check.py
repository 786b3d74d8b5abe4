"""The interpreter is tried in a process of its own: a crash in it becomes a sentence."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from emotiond.exceptions import InterpreterError
from emotiond.streamer import interpreter_check
from emotiond.streamer.interpreter_check import checked_runtime, try_interpreter
from tests.support.daemon import DEMO, emotiond

CRASH = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
HANG = "import time; time.sleep(60)"


def stand_in(folder: Path, deed: str) -> Mapping[str, str]:
    """An interpreter, found before the real one, that counts how often it is made."""
    package = folder / "ai_edge_litert"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "interpreter.py").write_text(
        "class Interpreter:\n"
        "    def __init__(self, **_):\n"
        f"        open({str(folder / 'made')!r}, 'a').write('x')\n"
        f"        {deed}\n"
    )
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    cache = {"XDG_CACHE_HOME": str(folder / "cache")}
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **cache}


def times_made(folder: Path) -> int:
    made = folder / "made"
    return len(made.read_text()) if made.exists() else 0


@pytest.mark.parametrize(
    "command",
    [
        ("analyze", str(DEMO)),
        ("run", "--source", "demo", "--port", "0", "--zmq", "off"),
        ("enroll", "anna", "--source", str(DEMO)),
    ],
    ids=lambda command: command[0],
)
def test_a_crash_is_one_line_with_the_remedy(tmp_path: Path, command: tuple[str, ...]) -> None:
    environment = stand_in(tmp_path, CRASH)
    for attempt in (1, 2):  # what crashed is tried anew at the next start
        ended = emotiond(*command, env=environment)
        assert ended.returncode == 1
        (line,) = ended.stderr.splitlines()
        assert "ai-edge-litert crashes on this machine (SIGSEGV)" in line
        assert "pip install 'ai-edge-litert<2.2'" in line
        assert times_made(tmp_path) == attempt


def test_doctor_names_the_crash_and_checks_the_rest(tmp_path: Path) -> None:
    ended = emotiond("doctor", "--json", env=stand_in(tmp_path, CRASH))
    found = {finding["check"]: finding for finding in json.loads(ended.stdout)["findings"]}
    assert found["interpreter"]["status"] == "error"
    assert "crashes on this machine (SIGSEGV)" in found["interpreter"]["detail"]
    assert "pip install" in found["interpreter"]["remedy"]
    assert "portaudio" in found
    assert not any(check.startswith("model") for check in found)


def test_a_hanging_interpreter_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter_check, "_MOST_SECONDS", 0.5)
    for name, value in stand_in(tmp_path, HANG).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.path", [str(tmp_path), *sys.path])
    with pytest.raises(InterpreterError, match="hangs when it runs a model"):
        try_interpreter()


def test_an_installation_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    tried = []
    monkeypatch.setattr(interpreter_check, "try_interpreter", lambda: tried.append(1))
    assert checked_runtime().package == checked_runtime().package
    assert tried == [1]
    monkeypatch.setattr(interpreter_check, "_installation", lambda: "another release")
    checked_runtime()
    checked_runtime()
    assert tried == [1, 1]


def test_without_a_cache_the_interpreter_is_tried_at_every_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocker))
    tried = []
    monkeypatch.setattr(interpreter_check, "try_interpreter", lambda: tried.append(1))
    checked_runtime()
    checked_runtime()
    assert tried == [1, 1]


def test_the_installed_interpreter_passes() -> None:
    try_interpreter()
