"""What a terminal would obey is escaped, wherever a name from outside is printed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from emotiond.clients.palette import read_palette
from emotiond.clients.watch import View, render
from emotiond.exceptions import ConfigError, printable
from tests.conftest import DATA
from tests.support.daemon import DEMO, emotiond

NAME = "a\x1b]0;title\x07\x9b31m\u202eb"
SHOWN = r"a\x1b]0;title\x07\x9b31m\u202eb"
TINY = ("--model", str(DATA / "tiny.tflite"))
OBEYED = ("\x1b", "\x07", "\x9b", "\u202e")


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
