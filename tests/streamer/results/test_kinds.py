"""The table of formats."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from typing import Any

import pytest

from emotiond.exceptions import ConfigError
from emotiond.streamer.results.kinds import FORMATS, level_of
from tests.support.results import writing


def test_the_default_level_is_the_first_that_a_format_has() -> None:
    assert {name: level_of(name, None) for name in ("text", "json", "csv", "parquet")} == (
        dict.fromkeys(("text", "json", "csv", "parquet"), "files")
    )
    others = FORMATS.keys() - {"text", "json", "csv", "parquet"}
    assert {level_of(name, None) for name in others} == {"segments"}


def test_a_level_that_a_format_does_not_have_is_refused_with_those_that_it_has() -> None:
    with pytest.raises(ConfigError, match=r"no level 'files'. Use --level segments or strides"):
        level_of("textgrid", "files")


@pytest.mark.parametrize(
    ("format_name", "package"),
    [("parquet", "pyarrow"), ("textgrid", "praatio"), ("elan", "pympi-ling")],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format_name: str, package: str
) -> None:
    usual = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] in ("pyarrow", "praatio", "pympi"):
            raise ModuleNotFoundError(name=name)
        return usual(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError) as raised:
        writing(format_name, tmp_path / "x").__enter__()
    assert package in raised.value.problem
    assert raised.value.remedy == f"Install it: {sys.executable} -m pip install {package}"
