"""A daemon on all addresses with a token and TLS, as one that phones are paired with."""

from __future__ import annotations

import contextlib
import json
import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from emotiond.clients.tls import guarded
from tests.conftest import DATA
from tests.support.daemon import DEMO, PATIENCE_SECONDS, Daemon, running_daemon
from tests.support.schema import check

TOKEN = "correct horse battery staple"  # noqa: S105
EVERYWHERE = "0.0.0.0"  # noqa: S104 - behind a token and TLS


@dataclass(frozen=True)
class Home:
    """The files of such a daemon."""

    folder: Path

    @property
    def paired(self) -> Path:
        """The file of the paired devices."""
        return self.folder / "kept" / "paired.json"

    @property
    def access_flags(self) -> list[str]:
        """The flags of the command that pairs."""
        return ["--token-file", str(self.folder / "token"), "--ca", str(self.folder / "cert.pem")]

    @property
    def flags(self) -> list[str]:
        """The flags of the daemon."""
        return [
            *("--source", f"voice={DEMO}", "--model", str(DATA / "tiny.tflite")),
            *("--host", EVERYWHERE, "--allow-host", "localhost", "--history", "off"),
            *("--token-file", str(self.folder / "token"), "--paired", str(self.paired)),
            *("--tls-cert", str(self.folder / "cert.pem")),
            *("--tls-key", str(self.folder / "key.pem")),
        ]

    @property
    def trust(self) -> ssl.SSLContext:
        """A context for clients."""
        return guarded(ssl.create_default_context(cafile=self.folder / "authority.pem"))


def make_home(folder: Path) -> Home:
    """Write token and certificate into a folder."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    (folder / "kept").mkdir()
    (folder / "token").write_text(f"{TOKEN}\n")
    for name in ("token", "key.pem"):
        (folder / name).chmod(0o600)
    return Home(folder)


@contextlib.contextmanager
def running_home(home: Home, *more: str) -> Iterator[Daemon]:
    """Run the daemon of a home, with further flags."""
    environment = {**os.environ, "XDG_DATA_HOME": str(home.folder / "data")}
    with running_daemon(*home.flags, *more, environment=environment) as daemon:
        yield daemon


class Talk:
    """A connection, with both directions held against the schemas."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.received: list[dict[str, Any]] = []
        """All messages that were read so far."""

    def say(self, kind: str, **fields: object) -> None:
        """Send a message."""
        message = {"type": kind, **fields}
        check("client", message)
        self.connection.send(json.dumps(message))

    def until(self, kind: str) -> dict[str, Any]:
        """Wait for a message of a type."""
        while True:
            message: dict[str, Any] = json.loads(self.connection.recv(timeout=PATIENCE_SECONDS))
            check("daemon", message)
            self.received.append(message)
            if message["type"] == kind:
                return message

    def ask(self, answer: str, kind: str, **fields: object) -> dict[str, Any]:
        """Send a message, and wait for its answer."""
        self.say(kind, **fields)
        return self.until(answer)

    def closing(self) -> tuple[int, str]:
        """Read to the end; return the code and the reason of the closing."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.connection.recv(timeout=PATIENCE_SECONDS)
        assert self.connection.close_code is not None
        return self.connection.close_code, self.connection.close_reason or ""


@contextlib.contextmanager
def talking(home: Home, daemon: Daemon, kind: str = "auth", **fields: object) -> Iterator[Talk]:
    """Open a connection and send its first message; by default, the owner's token."""
    url = f"wss://localhost:{daemon.port}/ws"
    with connect(url, ssl=home.trust, compression=None, proxy=None) as connection:
        talk = Talk(connection)
        talk.say(kind, **(fields or {"token": TOKEN}))
        yield talk


def code_of(offer: dict[str, Any]) -> str:
    """The code in the address of an offer."""
    return str(offer["url"]).partition("#pair=")[2]
