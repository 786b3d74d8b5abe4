"""Installs, removes and describes the service, through ``systemctl``."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from emotiond.exceptions import ServiceError
from emotiond.streamer.folders import config_folder
from emotiond.streamer.service.units import NAME, Service, unit_text

_MARK = "# Written by 'emotiond service install', and deleted by 'emotiond service remove'.\n"
_OF_SYSTEM = Path("/etc/systemd/system")
_WAIT_SECONDS = 60.0

Say = Callable[[str], None]
"""Shows the user one line."""


def unit_path(is_of_system: bool) -> Path:
    """Return the file of the unit.

    Raises:
        ConfigError: the user has no home folder.
    """
    folder = _OF_SYSTEM if is_of_system else config_folder() / "systemd" / "user"
    return folder / NAME


def install(config: Path | None, is_of_system: bool, say: Say) -> None:
    """Write the unit, start it, and let it start at boot or login.

    Args:
        config: the settings file of the service, absolute; None for the defaults.
        is_of_system: whether it runs for the machine, not for this user.
        say: is told each step.

    Raises:
        ServiceError: a step has failed.
    """
    _refuse_another_system()
    path = unit_path(is_of_system)
    _refuse_foreign(path)
    settings = () if config is None else ("--config", str(config))
    command = (sys.executable, "-m", "emotiond", "run", *settings)
    if is_of_system:
        for needed in (Path(__file__), Path(sys.executable), config):
            if needed is not None:
                _refuse_unreadable(needed)
    text = _MARK + unit_text(Service(command, is_of_system))
    _systemctl(is_of_system, "show", "--property=Version")  # before there is something to remove
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(path, text)
    except OSError as error:
        raise _refusal(f"cannot write {path} ({error.strerror})", is_of_system) from None
    say(f"wrote {path}")
    _systemctl(is_of_system, "daemon-reload")
    _systemctl(is_of_system, "enable", NAME)
    say(f"it starts {'at boot' if is_of_system else 'when you log in'}")
    _systemctl(is_of_system, "restart", NAME)
    say("it runs; 'emotiond service status' shows how it is")
    if not is_of_system:
        say("'loginctl enable-linger' lets it start at boot, before you log in")


def remove(is_of_system: bool, say: Say) -> None:
    """Stop the service and delete its unit. Its settings and data stay.

    Raises:
        ServiceError: there is none, or a step has failed.
    """
    _refuse_another_system()
    path = unit_path(is_of_system)
    if not path.exists():
        raise ServiceError(f"there is no {path}", "Nothing is installed there")
    _refuse_foreign(path)
    _systemctl(is_of_system, "disable", "--now", NAME)
    say("stopped it; it no longer starts by itself")
    try:
        path.unlink()
    except OSError as error:
        raise _refusal(f"cannot delete {path} ({error.strerror})", is_of_system) from None
    _systemctl(is_of_system, "daemon-reload")
    say(f"deleted {path}; settings and data stay")


def status(is_of_system: bool, say: Say) -> bool:
    """Say how the service is. Returns whether it runs.

    Raises:
        ServiceError: systemd does not answer.
    """
    _refuse_another_system()
    path = unit_path(is_of_system)
    if not path.exists():
        say(f"not installed: there is no {path}")
        return False
    names = ("UnitFileState", "ActiveState", "SubState", "StatusText", "NRestarts")
    shown = _systemctl(is_of_system, "show", NAME, f"--property={','.join(names)}")
    found = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    say(f"unit: {path} ({found.get('UnitFileState') or 'unknown'})")
    say(f"state: {found.get('ActiveState', '?')} ({found.get('SubState', '?')})")
    if found.get("StatusText"):
        say(f"it says: {found['StatusText']}")
    if found.get("NRestarts", "0") != "0":
        say(f"started anew after failures: {found['NRestarts']} times")
    say(f"its log: journalctl {'' if is_of_system else '--user '}-u {NAME}")
    return found.get("ActiveState") == "active"


def _write_whole(path: Path, text: str) -> None:
    """Write a unit in place of the one before, which stays if the disk is full."""
    unfinished = path.with_suffix(".part")  # systemd passes over this name
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise


def _refuse_another_system() -> None:
    if not sys.platform.startswith("linux") or shutil.which("systemctl") is None:
        raise ServiceError("this system has no systemd", "Start emotiond by its own means")


def _refuse_foreign(path: Path) -> None:
    """Refuse a unit that somebody else has written or changed in its first line."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise ServiceError(f"cannot read {path} ({error})", "Look at this file") from None
    if not text.startswith(_MARK):
        raise ServiceError(f"{path} is not from 'emotiond service install'", "Move it away first")


def _refuse_unreadable(path: Path) -> None:
    """Refuse a file that the account of the system's service cannot read."""
    real = path.resolve()
    for each in (real, *real.parents):
        needed = 0o004 if each == real else 0o001
        if not each.stat().st_mode & needed:
            raise ServiceError(
                f"the service's own account cannot read {path}: {each} is closed to it",
                "Keep it where all users can read, such as /opt or /etc",
            )


def _systemctl(is_of_system: bool, *arguments: str) -> str:
    """Call systemctl and return what it prints."""
    command = ["systemctl", *(() if is_of_system else ("--user",)), *arguments]
    try:
        ended = subprocess.run(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_WAIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceError(f"'{' '.join(command)}' failed ({error})", "Run it yourself") from None
    if ended.returncode != 0:
        said = " ".join(ended.stderr.split()) or f"exit status {ended.returncode}"
        raise _refusal(f"'{' '.join(command)}' failed ({said})", is_of_system)
    return ended.stdout


def _refusal(problem: str, is_of_system: bool) -> ServiceError:
    if is_of_system and os.geteuid() != 0:
        return ServiceError(problem, "Run it as root")
    remedy = "Look at its log" if is_of_system else "Try it in a session of your own, not in 'su'"
    return ServiceError(problem, remedy)
