"""``emotiond pair``: pairs phones with a running daemon, lists them, and revokes them."""

from __future__ import annotations

import contextlib
import json
import shlex
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from emotiond.clients.tls import pinned
from emotiond.clients.websocket_client import OPTIONS, reason_of
from emotiond.exceptions import ConfigError, ServeError, printable

_OPEN_SECONDS = 15.0  # TLS on a busy Raspberry Pi
_ANSWER_SECONDS = 15.0
_TOKEN_WANTED = 4401
_HALVES = {"00": " ", "10": "▀", "01": "▄", "11": "█"}  # of a cell, upper and lower: what is drawn
_INVERTED = str.maketrans("01", "10")
_INK = "#000000 on #ffffff"  # readers want dark on light, whatever the terminal has
_ENDS = {
    "expired": ("the code has expired", "Ask for another one"),
    "wrong-codes": ("too many wrong codes came, so this one ended", "Ask for another one"),
    "replaced": ("another code was asked for, so this one ended", "Scan that one"),
    "failed": ("the daemon cannot write its list of devices", "See its log"),
}


def pair(connection: ClientConnection, name: str) -> int:
    """Show a code until a device has used it. Ctrl-C ends it.

    Args:
        connection: of the owner.
        name: what the device will be called; empty for the next free ``phone``.

    Returns:
        The exit status.

    Raises:
        ServeError: the daemon gives no code, or it ended unused.
    """
    console = Console(highlight=False, markup=False, soft_wrap=True)
    asked = time.monotonic()
    offer = _ask(connection, "pairing", type="pair", name=name)
    _show(console, offer)
    remaining = asked + offer["seconds"] + _ANSWER_SECONDS - time.monotonic()
    ended = _await(connection, "pairing-ended", remaining)
    if ended["reason"] != "used":
        raise ServeError(*_ENDS.get(ended["reason"], ("the code ended", "Ask for another one")))
    named = shlex.quote(ended["name"])
    console.print(
        printable(
            f"{ended['name']} is paired. "
            f"To end that: emotiond pair revoke {named}, with the other flags of this command"
        )
    )
    return 0


def list_devices(connection: ClientConnection) -> int:
    """Print the paired devices.

    Raises:
        ServeError: the daemon does not say.
    """
    _print_devices(_ask(connection, "devices", type="devices")["devices"])
    return 0


def revoke(connection: ClientConnection, name: str) -> int:
    """Revoke a device, and print those that are left.

    Raises:
        ServeError: there is no such device, or the daemon cannot write that down.
    """
    left = _ask(connection, "devices", type="revoke", name=name)["devices"]
    print(printable(f"{name} is let in no more, and its connections are closed."), flush=True)
    _print_devices(left)
    return 0


@contextlib.contextmanager
def owner(url: str, token: str, tls: ssl.SSLContext | None) -> Iterator[ClientConnection]:
    """Open a connection to a daemon with the owner's token.

    Args:
        url: where it is.
        token: the owner's.
        tls: whom to trust; None without encryption.

    Raises:
        ConfigError: the token is wrong.
        ServeError: no daemon answers, or the connection breaks.
    """
    try:
        with connect(url, ssl=tls, open_timeout=_OPEN_SECONDS, **OPTIONS) as connection:
            connection.send(json.dumps({"type": "auth", "token": token}))
            _await(connection, "hello", _ANSWER_SECONDS)
            yield connection
    except ConnectionClosed as closed:
        if closed.rcvd is not None and closed.rcvd.code == _TOKEN_WANTED:
            raise ConfigError(
                "the daemon wants another token", "Give its own with --token-file FILE"
            ) from None
        raise ServeError("the daemon has ended, and the code with it", "Start it again") from None
    except ssl.SSLCertVerificationError as error:
        raise ServeError(
            f"what answers at {url} has another certificate ({error.verify_message.rstrip('.')})",
            "Give the file that the daemon has as --tls-cert with --ca, or its --config",
        ) from None
    except (OSError, WebSocketException) as error:
        raise ServeError(
            f"no connection to {url}: {reason_of(error)}",
            "'emotiond pair --help' shows how to name another daemon",
        ) from None
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        raise ServeError(f"what answers at {url} is no emotiond", "Check the address") from None


def trusting_only(certificate: Path) -> ssl.SSLContext:
    """Return a context that trusts the holder of the first certificate of a chain and nobody else.

    So the daemon may be reached by any name of it: who has the key is the daemon.

    Raises:
        ConfigError: the file holds no certificate.
    """
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    try:
        _, _, rest = certificate.read_text("ascii", "replace").partition(begin)
        return pinned(begin + rest.partition(end)[0] + end)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it holds no certificate in PEM"
        raise ConfigError(
            f"cannot use the certificate {certificate} ({reason})",
            "Give the file that the daemon has as --tls-cert",
        ) from None


def drawn(rows: Sequence[str]) -> Sequence[str]:
    """Return a QR code as lines of half blocks: a line of text for two rows of modules."""
    pairs = zip(rows[::2], [*rows[1::2], "0" * len(rows[0])][: len(rows[::2])], strict=True)
    return ["".join(_HALVES[a + b] for a, b in zip(*pair, strict=True)) for pair in pairs]


def _show(console: Console, offer: Mapping[str, Any]) -> None:
    """Print the code last: with the line below it, it fits the 24 lines of a terminal."""
    rows, marks = offer["qr"], offer["fingerprint"]
    minutes = offer["seconds"] / 60
    scan = f"Scan this with {offer['name']!r}. It is valid once, for {minutes:.0f} minutes."
    console.print(printable(scan))
    console.print("The phone warns of a certificate that it does not know. Compare its SHA-256:")
    for part in (marks[:48], marks[48:]):
        console.print(printable(f"  {part.strip(':')}"))
    console.print(printable(offer["url"]))
    if console.is_terminal and console.width < len(rows[0]):
        console.print(
            f"(The code needs {len(rows[0])} columns; this terminal has {console.width}.)"
        )
    elif console.color_system is None:  # the ground is dark in most terminals
        console.print("\n".join(drawn([row.translate(_INVERTED) for row in rows])))
    else:
        for line in drawn(rows):
            console.print(Text(line, style=_INK))
    console.print("Waiting for the phone; Ctrl-C ends the code.")


def _print_devices(devices: Sequence[Mapping[str, Any]]) -> None:
    if not devices:
        print("no device is paired", flush=True)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("device", "paired", "last let in", "connections"):
        table.add_column(title, overflow="fold")
    for each in devices:
        times = (_moment(each["paired"]), _moment(each["seen"]))
        table.add_row(printable(each["name"]), *times, printable(str(each["connections"])))
    Console(highlight=False, markup=False).print(table)


def _moment(unix_seconds: float) -> str:
    return f"{datetime.fromtimestamp(unix_seconds).astimezone():%Y-%m-%d %H:%M}"


def _ask(connection: ClientConnection, answer: str, **request: Any) -> Mapping[str, Any]:
    connection.send(json.dumps(request))
    return _await(connection, answer, _ANSWER_SECONDS)


def _await(connection: ClientConnection, kind: str, seconds: float) -> Mapping[str, Any]:
    """Return the next message of a type, whatever comes before it.

    Raises:
        ServeError: the daemon answers with an error, or not in time.
    """
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            message: Mapping[str, Any] = json.loads(connection.recv(left))
        except TimeoutError:
            break
        if message["type"] == "error":
            problem, _, remedy = message["detail"].partition(". ")
            raise ServeError(problem, remedy.rstrip("."))
        if message["type"] == kind:
            return message
    raise ServeError(
        "the daemon does not answer", "Look whether it is an older version, or overloaded"
    )
