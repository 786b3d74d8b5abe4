"""A command that runs at each change of a label, and of a stream's condition: ``--on-change``."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from emotiond.exceptions import ConfigError
from emotiond.streamer.options import Option
from emotiond.streamer.outputs.output import (
    Opener,
    Output,
    OutputKind,
    Surroundings,
    uses_no_network,
)

_OFF = "off"
_LIMIT_SECONDS = (0.1, 3600.0)


@dataclass(frozen=True)
class OnChangeSettings:
    """The settings of the command."""

    on_change: str = _OFF
    """The command with its arguments, or ``off``."""
    on_change_seconds: float = 10.0
    """How long it may run."""


def _words(command: str) -> Sequence[str]:
    """Return the words of a command, split as a shell does, which has no part in this.

    Raises:
        ConfigError: it cannot be split, or has no word.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise _refused(command, str(error).lower()) from None
    if not words or not words[0]:
        raise _refused(command, "it names no program")
    if "\0" in command:
        raise _refused(command, "it has a character that no command may have")
    return words


def _refused(command: str, reason: str) -> ConfigError:
    return ConfigError(
        f"on_change cannot be {command!r} ({reason})",
        "Use --on-change 'PROGRAM ARGUMENTS', or off",
    )


def _check(settings: OnChangeSettings) -> None:
    least, most = _LIMIT_SECONDS
    if not least <= settings.on_change_seconds <= most:
        raise ConfigError(
            f"on_change_seconds cannot be {settings.on_change_seconds:g}",
            f"Use {least:g} to {most:g}",
        )
    if settings.on_change != _OFF:
        _words(settings.on_change)


def _prepare(settings: OnChangeSettings) -> Opener | None:
    if settings.on_change == _OFF:
        return None
    words = _words(settings.on_change)
    program = shutil.which(words[0])
    if program is None:
        raise ConfigError(
            f"there is no program {words[0]!r} that this user may run",
            "Give --on-change its whole path, and make it executable: chmod +x",
        )
    command = (os.path.abspath(program), *words[1:])  # noqa: PTH100  # a link stays a link

    async def open_command(_around: Surroundings) -> Output:
        from emotiond.streamer.outputs.command import Command
        from emotiond.streamer.outputs.courier import Courier

        runner = Command(command, settings.on_change_seconds)
        return Courier(
            "on_change",
            "the command of --on-change",
            f"command {os.path.basename(program)}",  # noqa: PTH119
            runner.deliver,
            runner.end,
        )

    return open_command


ON_CHANGE = OutputKind(
    "on-change",
    OnChangeSettings,
    options=(
        Option(
            "--on-change",
            "run a command at each change of a label or a status, without a shell",
            "COMMAND|off",
            after="--json",
        ),
        Option(
            "--on-change-seconds",
            f"how long it may run (default: {OnChangeSettings.on_change_seconds:g})",
            "SECONDS",
        ),
    ),
    check=_check,
    reach=uses_no_network,
    prepare=_prepare,
    queue="on_change_events",
    close_seconds=0.4,
)
