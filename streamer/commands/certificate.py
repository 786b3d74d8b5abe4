"""``emotiond certificate``: makes a certificate of one's own."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from emotiond.streamer.arguments import ArgumentParser
from emotiond.streamer.commands.command import Command


def add_flags(parser: ArgumentParser) -> None:
    """Add the flags of ``certificate``."""
    parser.add_argument("folder", metavar="FOLDER", help="where to put cert.pem and key.pem")
    parser.add_argument(
        "--for",
        dest="names",
        action="append",
        default=[],
        metavar="NAME|ADDRESS",
        help="further name or address of this machine; repeat it for several",
    )


def certificate(options: dict[str, Any]) -> int:
    """``emotiond certificate``: make a certificate and its key for this machine."""
    from emotiond.streamer.offline.certificate import make_certificate

    made = make_certificate(Path(options["folder"]), options["names"])
    print(f"for {', '.join(made.names)}, until {made.until:%Y-%m-%d}")
    print(f"SHA-256 {made.fingerprint}")
    cert, key = map(shlex.quote, map(str, (made.certificate, made.key)))
    print(f"emotiond --tls-cert {cert} --tls-key {key}", flush=True)
    return 0


CERTIFICATE = Command(
    "certificate",
    "make a certificate of your own for this machine, for --tls-cert",
    add_flags,
    certificate,
    (
        "emotiond certificate ~/emotiond-tls",
        "emotiond certificate ~/emotiond-tls --for emotion.home --for 192.168.1.5",
    ),
)
