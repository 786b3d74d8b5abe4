"""The example of a settings file, and ``emotiond config``, which writes and checks one."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from emotiond.streamer.settings.layers import all_settings, make_config
from tests.support.daemon import emotiond

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SETTINGS = {each.name: each.default for each in dataclasses.fields(all_settings())}


@pytest.fixture(scope="module")
def text() -> str:
    ended = emotiond("config", "--example")
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def uncommented(text: str) -> dict[str, Any]:
    return tomllib.loads(re.sub(r"^#(?=\w)", "", text, flags=re.MULTILINE))


def test_the_example_changes_nothing_as_it_is(text: str, tmp_path: Path) -> None:
    assert tomllib.loads(text) == {}
    path = tmp_path / "emotiond.toml"
    path.write_text(text)
    assert make_config({"config": str(path)}, {}) == make_config({}, {})


def test_the_example_has_every_setting_once(text: str) -> None:
    assert set(uncommented(text)) == set(SETTINGS)


def test_each_setting_has_its_default_or_shows_what_it_takes(text: str) -> None:
    for name, value in uncommented(text).items():
        default = SETTINGS[name]
        if default is None or default == ():
            (shown,) = value if isinstance(value, list) else (value,)
            assert isinstance(shown, str)
            assert shown
        else:
            assert value == (list(default) if isinstance(default, tuple) else default)


def test_each_setting_is_preceded_by_its_help(text: str) -> None:
    for paragraph in text.strip().split("\n\n")[1:]:
        *comment, setting = paragraph.splitlines()
        assert comment
        assert all(re.match(r"# \S", line) for line in comment)
        assert re.match(r"#\w+ = ", setting)


def test_the_defaults_of_the_example_are_valid(text: str, tmp_path: Path) -> None:
    path = tmp_path / "emotiond.toml"
    given = {name for name, default in SETTINGS.items() if default not in (None, ())}
    lines = [line[1:] for line in text.splitlines() if line[1:].partition(" =")[0] in given]
    path.write_text("\n".join(lines))
    ended = emotiond("config", "--check", str(path))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"{path} and the environment: no fault found in {len(given)} settings\n"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("strid = 0.5", "unknown key 'strid' (did you mean 'stride'?)"),
        ("stride = 'slow'", "'stride' must be a number"),
        ("stride = 0.001", "stride cannot be 0.001 seconds"),
        ("model = 'foo'", "there is no model 'foo'"),
        ("profile = 'foo'", "there is no profile 'foo'"),
        ("host = '0.0.0.0'", "at 0.0.0.0, other machines could"),
        ("token_file = '/no/token'", "/no/token"),
        ("source = ['a=mic', 'a=demo']", "two sources are called 'a'"),
        ("source =", "is not TOML"),
    ],
)
def test_the_check_finds_what_would_stop_the_daemon(line: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "emotiond.toml"
    path.write_text(line)
    ended = emotiond("config", "--check", str(path))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert len(ended.stderr.splitlines()) == 1
    assert fault in ended.stderr
    started = emotiond("run", "--port", "0", "--config", str(path))
    assert started.returncode == 1
    assert started.stderr.splitlines()[-1:] == ended.stderr.splitlines()


def test_the_check_heeds_the_environment() -> None:
    ended = emotiond("config", "--check", env={**os.environ, "EMOTIOND_STRIDE": "0"})
    assert ended.returncode == 1
    assert "stride cannot be 0 seconds" in ended.stderr


def test_the_check_shows_the_warnings_of_a_start(tmp_path: Path) -> None:
    path = tmp_path / "emotiond.toml"
    path.write_text("host = '0.0.0.0'\nzmq = 'off'\ninsecure = true")
    ended = emotiond("config", "--check", str(path))
    assert ended.returncode == 0
    assert "anyone" in ended.stderr
