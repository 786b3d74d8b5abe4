"""The units. systemd's own programs judge them where they are installed."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.service.units import NAME, Service, quoted, unit_text

COMMAND = (sys.executable, "-m", "emotiond", "run")
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="needs systemd-analyze, of Debian's systemd"
)


def settings_of(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if "=" in line and not line.startswith("#"):
            name, value = line.split("=", 1)
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("is_of_system", [False, True])
def test_a_stalled_loop_restarts_the_daemon_and_no_core_holds_sound(is_of_system: bool) -> None:
    unit = settings_of(unit_text(Service(COMMAND, is_of_system)))
    assert unit["Type"] == ["notify"]
    assert unit["Restart"] == ["on-failure"]
    assert float(unit["WatchdogSec"][0]) > 0
    assert unit["LimitCORE"] == ["0"]
    assert unit["UMask"] == ["0077"]


def test_the_unit_of_the_system_has_an_account_of_its_own_and_sound_cards_alone() -> None:
    unit = settings_of(unit_text(Service(COMMAND, is_of_system=True)))
    assert unit["DynamicUser"] == ["yes"]
    assert unit["SupplementaryGroups"] == ["audio"]
    assert unit["DeviceAllow"] == ["char-alsa rw"]
    assert unit["CapabilityBoundingSet"] == [""]
    assert unit["WantedBy"] == ["multi-user.target"]


def test_the_unit_of_a_user_starts_with_the_session_after_its_sound_server() -> None:
    unit = settings_of(unit_text(Service(COMMAND, is_of_system=False)))
    assert unit["WantedBy"] == ["default.target"]
    assert unit["After"] == ["pipewire.service pulseaudio.service"]
    assert "DynamicUser" not in unit


@pytest.mark.parametrize(
    ("program", "home"), [("/opt/e/bin/python", "yes"), ("/home/ann/e/python", "read-only")]
)
def test_homes_are_hidden_unless_the_program_lies_in_one(program: str, home: str) -> None:
    unit = settings_of(unit_text(Service((program,), is_of_system=True)))
    assert unit["ProtectHome"] == [home]


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=" "),
        max_size=20,
    )
)
def test_a_word_of_the_command_comes_back_as_it_was(word: str) -> None:
    """systemd splits like a shell, but ``%`` and ``$`` are doubled."""
    (read,) = shlex.split(quoted(word).replace("%%", "%").replace("$$", "$"))
    assert read == word


@needs_systemd
@pytest.mark.parametrize("is_of_system", [False, True])
def test_systemd_finds_no_fault_in_the_unit(is_of_system: bool, tmp_path: Path) -> None:
    """It ends with 0 for unknown keys, too: what it prints counts."""
    path = tmp_path / NAME
    path.write_text(unit_text(Service(COMMAND, is_of_system)))
    ended = subprocess.run(
        ["systemd-analyze", "verify", *(() if is_of_system else ("--user",)), path],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)},
    )
    assert [line for line in (ended.stdout + ended.stderr).splitlines() if NAME in line] == []
    assert ended.returncode == 0


@needs_systemd
@pytest.mark.parametrize(("is_of_system", "most"), [(True, 30), (False, 65)])
def test_systemd_calls_the_unit_confined(is_of_system: bool, most: int, tmp_path: Path) -> None:
    """Tenths of its figure for exposure: 0 is closed, 100 open. It fails beyond the limit."""
    path = tmp_path / NAME
    path.write_text(unit_text(Service(COMMAND, is_of_system)))
    ended = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={most}", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-200:]
