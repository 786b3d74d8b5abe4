"""``import emotiond``: cheap, with all that it promises, as docs/python.md shows it."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import emotiond
from emotiond import exceptions
from emotiond.streamer.offline.listen import Listening
from emotiond.streamer.protocol import events
from tests.support.daemon import DEMO

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "python.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def python(program: str, folder: Path | None = None) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_import_alone_imports_nothing_else() -> None:
    program = (
        "import sys; before = set(sys.modules); import emotiond; "
        "print(sorted(set(sys.modules) - before))"
    )
    assert python(program).strip() == "['emotiond']"


def test_an_error_or_an_event_needs_no_interpreter_of_models() -> None:
    program = (
        "import sys; from emotiond import Change, EmotiondError; "
        "print({'ai_edge_litert', 'sounddevice', 'websockets'} & set(sys.modules))"
    )
    assert python(program).strip() == "set()"


@pytest.mark.parametrize("name", emotiond.__all__)
def test_every_promised_name_is_there(name: str) -> None:
    assert getattr(emotiond, name).__name__ == name
    assert name in dir(emotiond)


def test_names_are_the_daemons_own() -> None:
    assert emotiond.Emotion is events.Emotion
    assert emotiond.Change is events.Change
    assert emotiond.Status is events.Status
    assert emotiond.Listening is Listening
    assert emotiond.EmotiondError is exceptions.EmotiondError


def test_type_checkers_see_the_promised_names() -> None:
    tree = ast.parse((ROOT / "__init__.py").read_text("utf-8"))
    seen = [alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
            for alias in node.names if node.module != "importlib"]  # fmt: skip
    assert sorted(seen) == sorted(emotiond.__all__)


def test_another_name_is_an_ordinary_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        emotiond.analyse  # type: ignore[attr-defined]  # noqa: B018


def test_folders_keep_their_names() -> None:
    program = "import emotiond, emotiond.streamer, emotiond.models; print(emotiond.models.__name__)"
    assert python(program).strip() == "emotiond.models"


@pytest.mark.litert
@pytest.mark.parametrize("example", EXAMPLES, ids=["analyze", "listen"])
def test_the_examples_of_the_page_run(tmp_path: Path, example: str) -> None:
    shutil.copy(DEMO, tmp_path / "recording.wav")  # the content shows the format
    printed = python("import sys; sys.stdout.reconfigure(encoding='utf-8')\n" + example, tmp_path)
    assert len(printed.splitlines()) > 5
