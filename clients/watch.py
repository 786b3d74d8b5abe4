"""``emotiond watch``: live bars in a terminal."""

from __future__ import annotations

import math
import os
import queue
import ssl
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.live import Live
from rich.style import Style
from rich.table import Table
from rich.text import Text

from emotiond.clients.palette import is_light, read_palette
from emotiond.clients.websocket_client import TokenRefused, messages_forever, websocket_url
from emotiond.exceptions import ConfigError, ServeError, printable

_BAR_CELLS = 40
_EIGHTHS = " ▏▎▍▌▋▊▉"
_PATIENCE_SECONDS = 2.5  # for a first answer: the program ends within 5 s on a slow machine, too
_WAKE_SECONDS = 0.2
_REDRAW_SECONDS = 0.05


@dataclass
class View:
    """The state of the stream on display."""

    labels: tuple[str, ...] = ()
    model: str = ""
    wanted: str | None = None
    """The name of the stream to show; None for the daemon's first one."""
    stream: str | None = None
    demo: bool = False
    connection: str = "connecting …"
    emotion: Mapping[str, Any] = field(default_factory=dict)
    status: Mapping[str, Any] = field(default_factory=dict)
    label_since: float | None = None
    """Seconds of the stream at which the present label was published."""

    def take(self, message: Mapping[str, Any]) -> None:
        """Update the view with a message."""
        kind = message["type"]
        if kind == "hello":
            self.connection = ""
            self.labels = tuple(message["model"]["labels"])
            self.model = message["model"]["name"]
            self.stream = self.wanted or (message["streams"][0] if message["streams"] else None)
            self.demo = message["demo"] and self.stream == message["streams"][0]
            last = message["last"] or {}
            self.emotion, self.status = last if last.get("stream") == self.stream else {}, {}
            self.label_since = None
        elif kind == "disconnected":
            self.connection = f"no connection: {message['detail']}; trying again …"
        elif message.get("stream") == self.stream:
            if kind == "emotion":
                self.emotion = message
            elif kind == "change":
                self.label_since = message["at"] if message["to"] else None
            elif kind == "status":
                self.status = message


def render(view: View, palette: Mapping[str, str]) -> RenderableType:
    """Return the whole display: label, bars, and a line about the stream.

    Args:
        view: what to show.
        palette: the colours by name. They stand on the palette's own grounds, never on the
            terminal's, which may be light or dark.
    """
    table = Table.grid(padding=(0, 1))
    scores = view.emotion.get("scores") or {}
    for label in view.labels:
        score = scores.get(label, 0.0)
        style = Style(color=palette.get(label, palette["ink"]), bgcolor=palette["panel"])
        name = Text(printable(label), style="bold" if label == view.emotion.get("label") else "")
        table.add_row(name, Text(bar(score), style=style), Text(f"{score:4.0%}" if scores else ""))
    return Group(_headline(view, palette), Text(), table, Text(), Text(_footer(view), style="dim"))


def bar(share: float, cells: int = _BAR_CELLS) -> str:
    """Return a bar of block characters, exact to an eighth of a cell, of constant width."""
    eighths = round(min(max(share, 0.0), 1.0) * cells * 8)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(cells)


def _headline(view: View, palette: Mapping[str, str]) -> Text:
    warning = Style(color=palette["warn"], bgcolor=palette["panel"])
    if view.connection:
        return Text(printable(view.connection), style=warning)
    status = view.status.get("status", "running")
    if status != "running":
        text = f"{status}  {view.status.get('detail', '')}".strip()
        return Text(printable(text), style=warning)
    label, emotion = view.emotion.get("label"), view.emotion
    if label is None:
        waiting = f"waiting for sound{'' if view.wanted is None else f' of {view.wanted!r}'} …"
        return Text(printable(str(emotion.get("state", waiting))), style="dim")
    ground = palette.get(label, palette["muted"])
    headline = Text.assemble(
        (printable(label), Style(bold=True, color=palette["on-label"], bgcolor=ground))
    )
    headline.append(f"  {emotion['confidence']:.0%}")
    if view.label_since is not None:
        headline.append(f"  for {emotion['end'] - view.label_since:.1f} s", style="dim")
    return headline


def _footer(view: View) -> str:
    emotion = view.emotion
    parts = [("DEMO · " if view.demo else "") + (view.stream or ""), view.model]
    if emotion:
        age = emotion["age_ms"]
        parts += [
            f"{emotion['end']:.2f} s",
            f"{emotion['level_dbfs']:.0f} dBFS",
            "age —" if age is None else f"age {age:.0f} ms",
            f"{emotion['dropped_samples']} samples dropped",
        ]
    return printable(" · ".join(part for part in parts if part))


def watch_stream(
    address: str,
    token: str | None = None,
    authority: Path | None = None,
    stream: str | None = None,
) -> int:
    """Show a stream of a daemon until Ctrl-C. It reconnects to a daemon that has answered.

    Args:
        address: the URL of the daemon's WebSocket or page, or only ``HOST:PORT``.
        token: the token of the daemon; None if it requires none.
        authority: file with the certificate that is trusted, or that of who signed it, in PEM;
            None for the authorities that this machine knows.
        stream: the name of the stream; None for the daemon's first one.

    Returns:
        The exit status: 2 if this is no address.

    Raises:
        ConfigError: the certificate cannot be read, or the token is wrong.
        ServeError: no daemon answers.
    """
    try:
        url = websocket_url(address, "ws" if authority is None else "wss")
    except ValueError as error:
        print(f"emotiond: {error} or ws://127.0.0.1:8765/ws", file=sys.stderr)
        return 2
    tls = None if authority is None else _trusting(authority, url)
    view, palette, shown = View(wanted=stream), read_palette(light=is_light(os.environ)), -math.inf
    try:
        with Live(render(view, palette), auto_refresh=False, transient=True) as live:
            for message in _answers(url, token, tls):
                view.take(message)
                live.transient = not view.labels  # the error alone stays where no daemon answers
                if message["type"] != "emotion" or time.monotonic() - shown > _REDRAW_SECONDS:
                    live.update(render(view, palette), refresh=True)
                    shown = time.monotonic()
    except KeyboardInterrupt:
        pass
    except TokenRefused as refused:
        raise ConfigError(str(refused), "Give it with --token-file FILE") from None
    except (KeyError, TypeError, AttributeError):
        raise ServeError(f"what answers at {url} is no emotiond", "Check the address") from None
    return 0


def _answers(url: str, token: str | None, tls: ssl.SSLContext | None) -> Iterator[dict[str, Any]]:
    """Yield the messages of all connections; the first one has to come soon.

    A thread reads: no time limit ends the look-up of a name.
    """
    inbox: queue.Queue[dict[str, Any] | Exception] = queue.Queue(100)
    opened = threading.Event()

    def read() -> None:
        try:
            for message in messages_forever(url, token, tls, opened.set):
                inbox.put(message)
        except Exception as error:  # the main thread raises it
            inbox.put(error)

    threading.Thread(target=read, daemon=True).start()
    deadline, detail = time.monotonic() + _PATIENCE_SECONDS, "there is no answer"
    while True:
        if time.monotonic() >= deadline and not opened.is_set():
            raise ServeError(
                f"no connection to {url}: {detail}",
                "'emotiond watch --help' shows how to name another daemon",
            )
        try:
            message = inbox.get(timeout=_WAKE_SECONDS)
        except queue.Empty:
            continue
        if isinstance(message, Exception):
            raise message
        if message["type"] == "hello":
            deadline = math.inf
        elif message["type"] == "disconnected":
            opened.clear()
            detail = message["detail"]
        yield message


def _trusting(authority: Path, url: str) -> ssl.SSLContext:
    """Return a context that trusts one certificate, or those that it signed."""
    if not url.startswith("wss://"):
        raise ConfigError(
            f"{url} is not encrypted, so --ca has no use", "Write wss://, or leave --ca out"
        )
    try:
        context = ssl.create_default_context(cafile=authority)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the daemon's own one suffices
        return context
    except ssl.SSLError:
        problem = f"{authority} holds no certificate in PEM"
    except OSError as error:
        problem = f"cannot read the certificate {authority} ({error.strerror})"
    raise ConfigError(problem, "Give the file that the daemon has as --tls-cert")
