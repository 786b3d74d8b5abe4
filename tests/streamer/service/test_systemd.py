"""``emotiond service``, with a ``systemctl`` that writes down its calls.

``make fresh`` runs the same commands under a real systemd.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from emotiond.exceptions import ServiceError
from emotiond.streamer.service import systemd
from emotiond.streamer.service.units import NAME

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systemd is for Linux")


class Systemctl:
    """A stand-in on the PATH."""

    def __init__(self, folder: Path) -> None:
        self._calls = folder / "calls"
        self._program = folder / "systemctl"
        self.answer("")

    def answer(self, script: str) -> None:
        """What it does beside writing down its arguments."""
        self._program.write_text(f'#!/bin/sh\necho "$*" >>"{self._calls}"\n{script}\n')
        self._program.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return self._calls.read_text().splitlines() if self._calls.exists() else []


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemctl:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return Systemctl(tmp_path / "bin")


@pytest.fixture
def said(systemctl: Systemctl) -> list[str]:
    return []


def test_installing_says_each_step(systemctl: Systemctl, said: list[str], tmp_path: Path) -> None:
    settings = tmp_path / "my settings.toml"
    systemd.install(settings, False, said.append)
    path = tmp_path / "config" / "systemd" / "user" / NAME
    assert said[0] == f"wrote {path}"
    assert f'ExecStart={sys.executable} -m emotiond run --config "{settings}"' in path.read_text()
    assert systemctl.calls == [
        "--user show --property=Version",
        "--user daemon-reload",
        f"--user enable {NAME}",
        f"--user restart {NAME}",
    ]
    assert any("linger" in line for line in said)


def test_installing_again_renews_the_unit(systemctl: Systemctl, said: list[str]) -> None:
    systemd.install(None, False, said.append)
    first = systemd.unit_path(False).read_text()
    systemd.install(Path("/etc/emotiond.toml"), False, said.append)
    assert "--config" not in first
    assert "--config /etc/emotiond.toml" in systemd.unit_path(False).read_text()


@pytest.mark.parametrize("name", ["\udcff.toml", "a\nExecStartPre=b.toml"])
def test_settings_that_no_unit_can_name_leave_the_unit_as_it_was(
    systemctl: Systemctl, said: list[str], name: str
) -> None:
    systemd.install(None, False, lambda _: None)
    first, calls = systemd.unit_path(False).read_text(), systemctl.calls
    with pytest.raises(ServiceError, match="no unit can name"):
        systemd.install(Path("/etc") / name, False, said.append)
    assert systemd.unit_path(False).read_text() == first
    assert (systemctl.calls, said) == (calls, [])


def test_a_unit_that_cannot_be_written_whole_leaves_the_one_before(
    systemctl: Systemctl, said: list[str]
) -> None:
    systemd.install(None, False, lambda _: None)
    path = systemd.unit_path(False)
    first = path.read_text()
    path.with_suffix(".part").mkdir()  # in the way, as a full disk would be
    with pytest.raises(ServiceError, match=r"cannot write .*emotiond\.service"):
        systemd.install(Path("/etc/emotiond.toml"), False, said.append)
    assert path.read_text() == first
    assert systemctl.calls[-1] == "--user show --property=Version"


def test_nothing_unfinished_is_left(systemctl: Systemctl, said: list[str]) -> None:
    systemd.install(None, False, said.append)
    assert [each.name for each in systemd.unit_path(False).parent.iterdir()] == [NAME]


def test_removing_stops_it_and_deletes_the_unit(systemctl: Systemctl, said: list[str]) -> None:
    systemd.install(None, False, said.append)
    systemd.remove(False, said.append)
    assert not systemd.unit_path(False).exists()
    assert systemctl.calls[-2:] == [f"--user disable --now {NAME}", "--user daemon-reload"]


def test_a_unit_of_somebody_else_is_left_alone(systemctl: Systemctl, said: list[str]) -> None:
    path = systemd.unit_path(False)
    path.parent.mkdir(parents=True)
    path.write_text("[Unit]\n")
    for command in (
        lambda: systemd.install(None, False, said.append),
        lambda: systemd.remove(False, said.append),
    ):
        with pytest.raises(ServiceError, match="is not from 'emotiond service install'"):
            command()
    assert path.read_text() == "[Unit]\n"
    assert (systemctl.calls, said) == ([], [])


def test_what_is_not_there_cannot_be_removed(systemctl: Systemctl, said: list[str]) -> None:
    with pytest.raises(ServiceError, match="there is no"):
        systemd.remove(False, said.append)
    assert not systemd.status(False, said.append)
    assert said == [f"not installed: there is no {systemd.unit_path(False)}"]


def test_the_status_is_that_of_systemd(systemctl: Systemctl, said: list[str]) -> None:
    systemd.install(None, False, lambda _: None)
    systemctl.answer(
        "printf 'UnitFileState=enabled\\nActiveState=active\\nSubState=running\\n"
        "StatusText=listening to mic\\nNRestarts=2\\n'"
    )
    assert systemd.status(False, said.append)
    assert said[1:] == [
        "state: active (running)",
        "it says: listening to mic",
        "started anew after failures: 2 times",
        f"its log: journalctl --user -u {NAME}",
    ]


def test_a_refusal_of_systemd_is_told_with_its_words_before_anything_is_written(
    systemctl: Systemctl, said: list[str]
) -> None:
    systemctl.answer("echo 'Failed to connect to bus:\nNo medium found' >&2; exit 1")
    with pytest.raises(ServiceError, match="Failed to connect to bus: No medium found") as error:
        systemd.install(None, False, said.append)
    assert "Try it in a session of your own" in error.value.remedy
    assert (said, systemd.unit_path(False).exists()) == ([], False)


def test_a_program_in_a_closed_home_is_no_service_of_the_system(
    systemctl: Systemctl, said: list[str], tmp_path: Path
) -> None:
    settings = tmp_path / "closed" / "emotiond.toml"
    settings.parent.mkdir(mode=0o700)
    settings.touch()
    with pytest.raises(ServiceError, match="the service's own account cannot read"):
        systemd.install(settings, True, said.append)
    assert (systemctl.calls, said) == ([], [])


def test_without_systemd_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ServiceError, match="this system has no systemd"):
        systemd.install(None, False, lambda _: None)
