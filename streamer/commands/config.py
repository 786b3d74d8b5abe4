"""``emotiond config``: writes an example of the settings, or checks them."""

from __future__ import annotations

import os
from typing import Any

from emotiond.exceptions import printable
from emotiond.streamer.arguments import ArgumentParser
from emotiond.streamer.commands.command import Command
from emotiond.streamer.commands.run import run_flags
from emotiond.streamer.settings.example import example
from emotiond.streamer.settings.exposure import refuse_exposure
from emotiond.streamer.settings.layers import all_settings, make_config


def add_flags(parser: ArgumentParser) -> None:
    """Add the flags of ``config``."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--example", action="store_true", help="print a file with every setting and its default"
    )
    what.add_argument(
        "--check",
        nargs="?",
        const=True,
        metavar="FILE.toml",
        help="check a file and the environment, with the keys and the model that they name; "
        "start nothing",
    )


def config(options: dict[str, Any]) -> int:
    """``emotiond config``: print an example, or check what ``run`` would check before it starts."""
    if options["example"]:
        flags = [(flag, details) for flag, details in run_flags() if flag != "--config"]
        print(example(flags, all_settings()()), end="")
        return 0
    return check_settings(None if options["check"] is True else options["check"])


def check_settings(file: str | None) -> int:
    """``emotiond config --check``: find what would stop ``run``, without starting anything."""
    from emotiond.streamer.daemon.preparing import prepare
    from emotiond.streamer.sources.factory import parse_specs

    config = make_config({} if file is None else {"config": file}, os.environ)
    refuse_exposure(config)
    parse_specs(config.source)
    prepare(config)
    what = "the environment" if file is None else f"{printable(file)} and the environment"
    print(f"{what}: no fault found in {len(config.given)} settings")
    return 0


CONFIG = Command(
    "config",
    "write an example of a settings file, or check the settings",
    add_flags,
    config,
    (
        "emotiond config --example > emotiond.toml",
        "emotiond config --check emotiond.toml",
        "EMOTIOND_STRIDE=0.5 emotiond config --check",
    ),
)
