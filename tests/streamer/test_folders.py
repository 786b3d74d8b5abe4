from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from emotiond.exceptions import ConfigError
from emotiond.streamer.folders import cache_folder, data_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has its own folders")
FOLDERS = pytest.mark.parametrize(
    ("folder", "variable", "place"),
    [(data_folder, "XDG_DATA_HOME", ".local/share"), (cache_folder, "XDG_CACHE_HOME", ".cache")],
    ids=["data", "cache"],
)


@FOLDERS
def test_a_variable_names_the_folder(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    folder: Callable[[], Path],
    variable: str,
    place: str,
) -> None:
    monkeypatch.setenv(variable, str(tmp_path))
    assert folder() == tmp_path / "emotiond"


@FOLDERS
def test_without_one_or_with_a_relative_one_it_is_below_the_home(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    folder: Callable[[], Path],
    variable: str,
    place: str,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "here"):
        monkeypatch.setenv(variable, value)
        assert folder() == tmp_path / place / "emotiond"


@FOLDERS
def test_without_a_home_the_remedy_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, folder: Callable[[], Path], variable: str, place: str
) -> None:
    def no_home() -> Path:
        raise RuntimeError

    monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(ConfigError, match=variable):
        folder()
