"""``emotiond service``: installs, removes or describes the service of systemd."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emotiond.exceptions import ConfigError, printable
from emotiond.streamer.arguments import ArgumentParser
from emotiond.streamer.commands.command import Command
from emotiond.streamer.commands.config import check_settings


def add_flags(parser: ArgumentParser) -> None:
    """Add the flags of ``service``."""
    parser.add_argument("what", choices=("install", "remove", "status"))
    parser.add_argument(
        "--system",
        action="store_true",
        help="for the whole machine: at boot, with ALSA alone, under an account of its own",
    )
    parser.add_argument(
        "--config", metavar="FILE.toml", help="settings of the service (with install)"
    )


def service(options: dict[str, Any]) -> int:
    """``emotiond service``: install, remove or describe the service, a line for each step."""
    from emotiond.streamer.service import systemd

    is_of_system, file = options["system"], options["config"]
    if options["what"] == "install":
        if file is not None:
            check_settings(file)
        systemd.install(None if file is None else Path(file).absolute(), is_of_system, _say)
        return 0
    if file is not None:
        raise ConfigError(f"{options['what']} has no use for --config", "Leave --config out")
    if options["what"] == "remove":
        systemd.remove(is_of_system, _say)
        return 0
    return 0 if systemd.status(is_of_system, _say) else 3


def _say(line: str) -> None:
    print(printable(line), flush=True)


SERVICE = Command(
    "service",
    "let systemd start emotiond by itself",
    add_flags,
    service,
    (
        "emotiond service install",
        "emotiond service status",
        "sudo /opt/emotiond/bin/emotiond service install --system --config /etc/emotiond.toml",
    ),
)
