"""``emotiond watch``: shows live bars in the terminal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from emotiond.exceptions import ConfigError
from emotiond.streamer.arguments import ArgumentParser
from emotiond.streamer.commands.command import Command
from emotiond.streamer.private_files import check_links
from emotiond.streamer.server.credentials import read_token
from emotiond.streamer.settings.layers import ENVIRONMENT_PREFIX


def add_flags(parser: ArgumentParser) -> None:
    """Add the flags of ``watch``."""
    parser.add_argument(
        "address",
        nargs="?",
        default="127.0.0.1:8765",
        metavar="HOST:PORT|URL",
        help="the daemon, or its page (default: %(default)s)",
    )
    parser.add_argument(
        "--stream", metavar="NAME", help="stream to show (default: the daemon's first one)"
    )
    parser.add_argument(
        "--ca", metavar="FILE", help="certificate that no authority has signed, or its authority's"
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        default=os.environ.get(f"{ENVIRONMENT_PREFIX}TOKEN_FILE"),
        help="file with the token of the daemon",
    )


def watch(options: dict[str, Any]) -> int:
    """``emotiond watch``: show live bars in the terminal."""
    from emotiond.clients.watch import watch_stream

    file, authority = options["token_file"], options["ca"]
    if authority is not None:
        _check_authority(Path(authority))
    return watch_stream(
        options["address"],
        None if file is None else read_token(Path(file)),
        None if authority is None else Path(authority),
        options["stream"],
    )


def _check_authority(path: Path) -> None:
    """Refuse a link of another user, who could choose by it which daemon is trusted."""
    try:
        check_links(path)
    except PermissionError as error:
        problem = f"cannot read the certificate {path} ({error.strerror})"
        raise ConfigError(problem, "Name the file itself with --ca") from None


WATCH = Command(
    "watch",
    "show a daemon's stream in the terminal",
    add_flags,
    watch,
    (
        "emotiond watch",
        "emotiond watch --stream kitchen | tee labels.txt",
        "emotiond watch raspberrypi.local:8765 --token-file token --ca cert.pem",
    ),
)
