"""``emotiond run``: listen and publish."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from emotiond.streamer.arguments import ArgumentParser
from emotiond.streamer.background import run_in_background
from emotiond.streamer.commands.command import Command
from emotiond.streamer.commands.flags import Flag, add_each, insert_options
from emotiond.streamer.settings.config import Config
from emotiond.streamer.settings.exposure import refuse_exposure
from emotiond.streamer.settings.layers import make_config
from emotiond.streamer.sources.factory import open_sources


def add_flags(parser: ArgumentParser) -> None:
    """Add the flags of ``run``."""
    add_each(parser, run_flags())


def run_flags() -> list[Flag]:
    """Return the flags of ``run`` with their details: the daemon's, and those of all parts."""
    default = Config()
    flags: list[Flag] = [
        (
            "--source",
            {
                "action": "append",
                "metavar": "[NAME=]" + "|".join(kind.value for kind, _ in default.source_kinds),
                "help": "audio source; repeat it for several (default: mic, or demo without one)",
            },
        ),
    ]
    for source, settings in default.source_kinds:
        insert_options(flags, source, settings)
    flags += [
        (
            "--speed",
            {
                "metavar": "1|max|FACTOR",
                "help": "play files and '-' in real time, or as fast as possible; recorded events "
                "(session:FILE) also 0.1 to 100 times as fast (default: 1)",
            },
        ),
        (
            "--once",
            {"action": "store_true", "help": "exit when the sources end; do not loop files"},
        ),
        ("--model", {"metavar": "NAME|PATH", "help": "model, see 'emotiond models'"}),
        ("--profile", {"metavar": "NAME", "help": "voice profile, see 'emotiond enroll'"}),
        (
            "--stride",
            {
                "type": float,
                "metavar": "SECONDS",
                "help": f"seconds between inferences (default: {default.stride})",
            },
        ),
        (
            "--config",
            {"metavar": "FILE.toml", "help": "read settings from a file, named like these flags"},
        ),
        (
            "--name",
            {
                "metavar": "NAME",
                "help": "what other programs call this daemon (default: the host's name)",
            },
        ),
        (
            "--follow",
            {
                "action": "append",
                "metavar": "wss://HOST:PORT",
                "help": "show another daemon's streams on the page, too; repeat it for several",
            },
        ),
        (
            "--follow-token-file",
            {"metavar": "FILE", "help": "file with the tokens of those daemons"},
        ),
        (
            "--follow-ca",
            {
                "metavar": "FILE",
                "help": "their certificate, or its authority's, if this machine knows none of them",
            },
        ),
        (
            "--insecure",
            {"action": "store_true", "help": "let outputs reach other machines without protection"},
        ),
        (
            "--max-client-streams",
            {
                "type": int,
                "metavar": "N",
                "help": f"most uploads at a time (default: {default.max_client_streams})",
            },
        ),
        (
            "--history",
            {
                "metavar": "FILE|postgresql://…|off",
                "help": "file or database for the results of uploaded files, never their sound",
            },
        ),
        (
            "--keep-hours",
            {
                "type": float,
                "metavar": "N",
                "help": "hours of events that the page finds after a reload, in memory alone; "
                f"0: none (default: {default.keep_hours:g})",
            },
        ),
    ]
    for output, settings in default.outputs:
        insert_options(flags, output, settings)
    return flags


def run(options: dict[str, Any]) -> int:
    """``emotiond run``: open the sources, and run the daemon until it ends."""
    config = make_config(options, os.environ)
    refuse_exposure(config)
    # Devices and decoders open slowly, and so do the daemon's imports: do both at once.
    sources = run_in_background(
        lambda: open_sources(
            config.source,
            config.settings_of,
            replace(config.playback, waits=True),
            config.demo_may_stand_in,
        )
    )
    from emotiond.streamer.daemon import app

    return app.run(config, sources.result)


RUN = Command(
    "run",
    "listen and publish emotions (the default)",
    add_flags,
    run,
    (
        "emotiond --device 'USB Audio' --model lite",
        "emotiond --source desk=mic --source radio=radio.wav --json",
        "arecord -t raw -f S16_LE -r 16000 | emotiond --source -",
    ),
)
