"""``emotiond pair``: lets a phone listen to a running daemon."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from emotiond.exceptions import ConfigError
from emotiond.streamer.arguments import ArgumentParser
from emotiond.streamer.commands.command import Command
from emotiond.streamer.outputs.websocket import WEBSOCKET
from emotiond.streamer.server.access import is_unspecified
from emotiond.streamer.server.credentials import read_token
from emotiond.streamer.settings.layers import make_config


def add_flags(parser: ArgumentParser) -> None:
    """Add the flags of ``pair``."""
    parser.add_argument(
        "what",
        nargs="?",
        choices=("list", "revoke"),
        help="list the paired devices, or revoke one; without it, show a code for a new one",
    )
    parser.add_argument("device", nargs="?", metavar="NAME", help="name of the device to revoke")
    parser.add_argument("--name", default="", help="name of the new device (default: phone)")
    parser.add_argument(
        "--address",
        metavar="HOST:PORT|URL",
        help="the daemon, or its page (default: this machine, with the port of the settings)",
    )
    parser.add_argument("--token-file", metavar="FILE", help="file with the token of the daemon")
    parser.add_argument("--ca", metavar="FILE", help="the certificate of the daemon")
    parser.add_argument(
        "--config",
        metavar="FILE.toml",
        help="settings of the daemon, which name its port, token and certificate",
    )


def pair(options: dict[str, Any]) -> int:
    """``emotiond pair``: pair a device with a running daemon, list the devices, or revoke one."""
    from emotiond.clients import pair as client
    from emotiond.clients.websocket_client import websocket_url

    what, device, name = options["what"], options["device"], options["name"]
    if (what == "revoke") != (device is not None):
        raise ConfigError("revoke, and only that, wants a device", "emotiond pair revoke NAME")
    if what is not None and name:
        raise ConfigError("--name is for a new device", "emotiond pair --name NAME")
    given = {} if options["config"] is None else {"config": options["config"]}
    settings = make_config(given, os.environ).settings_of(WEBSOCKET)
    file, certificate = options["token_file"] or settings.token_file, options["ca"]
    certificate = certificate or settings.tls_cert
    if file is None or certificate is None:
        raise ConfigError(
            "pairing wants the token and the certificate of the daemon",
            "Give --token-file FILE and --ca FILE, or --config FILE.toml with both",
        )
    host = settings.host if not is_unspecified(settings.host) else "127.0.0.1"
    host = f"[{host.strip('[]')}]" if ":" in host else host
    try:
        url = websocket_url(options["address"] or f"{host}:{settings.port}", "wss")
    except ValueError as error:
        raise ConfigError(str(error), "Use HOST:PORT, or the address of the page") from None
    if not url.startswith("wss://"):
        raise ConfigError(
            f"{url} is not encrypted, and phones are paired by HTTPS only", "Write wss://"
        )
    tls = client.trusting_only(Path(certificate))
    with client.owner(url, read_token(Path(file)), tls) as connection:
        if what == "list":
            return client.list_devices(connection)
        if what == "revoke":
            return client.revoke(connection, device)
        return client.pair(connection, name)


PAIR = Command(
    "pair",
    "let a phone listen to a running daemon, by a QR code",
    add_flags,
    pair,
    (
        "emotiond pair --config emotiond.toml",
        "emotiond pair --name 'kitchen tablet' --token-file token --ca cert.pem",
        "emotiond pair list --token-file token --ca cert.pem",
        "emotiond pair revoke 'kitchen tablet' --token-file token --ca cert.pem",
    ),
)
