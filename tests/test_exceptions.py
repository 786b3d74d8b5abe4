"""What a terminal would obey is escaped, wherever a name from outside is printed."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from emotiond.clients.palette import read_palette
from emotiond.clients.watch import View, render
from emotiond.exceptions import ConfigError, install, printable
from emotiond.inference import catalog
from emotiond.inference.profile import make_profile
from emotiond.streamer.cli import main
from emotiond.streamer.offline import doctor
from emotiond.streamer.offline.doctor import Finding
from emotiond.streamer.profiles import write_profile
from emotiond.streamer.sources import devices
from emotiond.streamer.sources.capture import Capture
from emotiond.streamer.sources.portaudio import Device
from tests.conftest import DATA
from tests.support.daemon import DEMO, emotiond

NAME = "a\x1b]0;title\x07\x9b31m\u202eb"
SHOWN = r"a\x1b]0;title\x07\x9b31m\u202eb"
TINY = ("--model", str(DATA / "tiny.tflite"))
OBEYED = ("\x1b", "\x07", "\x9b", "\u202e")


def test_a_missing_package_is_installed_for_the_python_that_runs() -> None:
    remedy = install("av>=14", "wyoming")
    assert remedy == f"Install it: {sys.executable} -m pip install 'av>=14' wyoming"


def test_only_what_a_terminal_obeys_is_escaped() -> None:
    assert printable(NAME) == SHOWN
    assert printable("Ñandú, 你好, \u202f, 👩\u200d🚀") == "Ñandú, 你好, \u202f, 👩\u200d🚀"
    assert str(ConfigError(NAME, "Leave it")) == f"{SHOWN}. Leave it."


@pytest.mark.parametrize("exists", [True, False])
def test_analyze_prints_no_escape_sequences_of_file_names(tmp_path: Path, exists: bool) -> None:
    if exists:
        shutil.copy(DEMO, tmp_path / NAME)
    ended = emotiond("analyze", *TINY, NAME, cwd=tmp_path)
    printed = ended.stdout if exists else ended.stderr
    assert SHOWN in printed
    assert not any(character in ended.stdout + ended.stderr for character in OBEYED)


@pytest.mark.parametrize(
    "arguments", [("run", f"--{NAME}"), (NAME,), ("run", "--source", f"{NAME}={DEMO}")]
)
def test_no_error_prints_any(arguments: tuple[str, ...]) -> None:
    ended = emotiond(*arguments)
    assert ended.returncode in (1, 2)
    assert not any(character in ended.stderr for character in OBEYED)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "status", "stream": NAME, "status": "reconnecting", "detail": NAME},
        {"type": "disconnected", "detail": NAME},
        {"type": "status", "stream": NAME, "status": "running"},
    ],
)
def test_watch_shows_none_of_what_a_daemon_says(message: dict[str, Any]) -> None:
    view = View()
    model = {"name": NAME, "labels": [NAME]}
    view.take({"type": "hello", "model": model, "streams": [NAME], "demo": False, "last": None})
    view.take(message)
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(render(view, read_palette(light=False)))
    assert SHOWN in capture.get()
    assert not any(character in capture.get() for character in OBEYED)


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets each cell of a table keep its line."""
    monkeypatch.setenv("COLUMNS", "500")


def printed(capture: pytest.CaptureFixture[str]) -> str:
    text = capture.readouterr().out
    assert not any(character in text for character in OBEYED)
    return text


@pytest.mark.usefixtures("wide")
def test_models_shows_none_of_a_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    card = json.loads((DATA / "tiny.json").read_text("utf-8"))
    card |= {"name": NAME, "description": NAME, "licence": {"weights": NAME, "code": NAME}}
    (tmp_path / "tiny.json").write_text(json.dumps(card), "utf-8")
    shutil.copy(DATA / "tiny.tflite", tmp_path)
    monkeypatch.setattr(catalog, "bundled_models", lambda: [tmp_path / "tiny.tflite"])
    assert main(["models"]) == 0
    assert printed(capsys).count(SHOWN) == 3


@pytest.mark.usefixtures("wide")
def test_devices_shows_none_of_a_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    device = Device(0, NAME, NAME, 1, 48_000, is_default=True)
    monkeypatch.setattr(devices, "list_microphones", lambda *_: ([device], None))
    monkeypatch.setattr(Capture, "rates", lambda *_: [])
    assert main(["devices"]) == 0
    assert printed(capsys).count(SHOWN) == 2


@pytest.mark.usefixtures("wide")
def test_the_list_of_voices_shows_none_of_a_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    write_profile("voice", make_profile(NAME, "0" * 64, 20.0, (0.5, -1.25)))
    assert main(["enroll", "--list"]) == 0
    assert SHOWN in printed(capsys)


def test_doctor_shows_none_of_what_it_finds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "examine", lambda: [Finding(NAME, "error", NAME, NAME)])
    assert main(["doctor"]) == 1
    assert printed(capsys).count(SHOWN) == 3
