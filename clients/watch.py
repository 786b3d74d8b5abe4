"""``emotiond watch``: live bars in a terminal, or a line per change in a pipe."""

from __future__ import annotations

import math
import os
import queue
import ssl
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.measure import Measurement
from rich.style import Style
from rich.table import Table
from rich.text import Text

from emotiond.clients.palette import is_light, read_palette
from emotiond.clients.tls import guarded
from emotiond.clients.websocket_client import TokenRefused, messages_forever, websocket_url
from emotiond.exceptions import ConfigError, ServeError, printable

_MOST_CELLS = 40  # of a bar
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
    replay: bool = False
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
            self.replay = False
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
                self.replay = message.get("replay", False)

    @property
    def is_in_trouble(self) -> bool:
        """Whether there is no connection, or the source does not run."""
        return bool(self.connection) or self.status.get("status", "running") != "running"

    @property
    def word(self) -> str:
        """What is the case, without any number: a label, a state, or what is wrong."""
        if self.connection:
            return printable(self.connection)
        if self.is_in_trouble:
            return printable(f"{self.status['status']}  {self.status['detail']}".strip())
        waiting = f"waiting for sound{'' if self.wanted is None else f' of {self.wanted!r}'} …"
        return printable(str(self.emotion.get("label") or self.emotion.get("state") or waiting))


def line(view: View) -> str:
    """Return what is the case as a line of plain text, with the stream's own time."""
    if view.is_in_trouble or not view.emotion:
        return view.word
    confidence = view.emotion["confidence"]
    share = "" if confidence is None else f" {confidence:.0%}"
    return f"{view.emotion['end']:8.2f} s  {view.word}{share}"


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
        table.add_row(name, _Bar(score, style), Text(f"{score:4.0%}" if scores else ""))
    return Group(_headline(view, palette), Text(), table, Text(), Text(_footer(view), style="dim"))


@dataclass(frozen=True)
class _Bar:
    """A bar that is as wide as the terminal allows, so that its length is the share everywhere."""

    share: float
    style: Style

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(bar(self.share, options.max_width), style=self.style)

    def __rich_measure__(self, _: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, min(_MOST_CELLS, options.max_width))


def bar(share: float, cells: int) -> str:
    """Return a bar of block characters, exact to an eighth of a cell, of constant width."""
    eighths = round(min(max(share, 0.0), 1.0) * cells * 8)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(cells)


def _headline(view: View, palette: Mapping[str, str]) -> Text:
    label, emotion = view.emotion.get("label"), view.emotion
    if view.is_in_trouble:
        return Text(view.word, style=Style(color=palette["warn"], bgcolor=palette["panel"]))
    if label is None:
        return Text(view.word, style="dim")
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
    mark = "DEMO · " if view.demo else "REPLAY · " if view.replay else ""
    parts = [mark + (view.stream or ""), view.model]
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

    Where no terminal can draw, it prints a line whenever the label or the state changes.

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
    tls = _trusting(authority, url) if authority or url.startswith("wss://") else None
    console, view, messages = Console(), View(wanted=stream), _answers(url, token, tls)
    try:
        if console.is_terminal and not console.is_dumb_terminal:
            _draw(console, view, messages)
        else:
            _print_changes(view, messages)
    except KeyboardInterrupt:
        pass
    except TokenRefused as refused:
        raise ConfigError(str(refused), "Give it with --token-file FILE") from None
    except (KeyError, TypeError, AttributeError):
        raise ServeError(f"what answers at {url} is no emotiond", "Check the address") from None
    return 0


def _draw(console: Console, view: View, messages: Iterable[Mapping[str, Any]]) -> None:
    palette, shown = read_palette(light=is_light(os.environ)), -math.inf
    with Live(render(view, palette), console=console, auto_refresh=False, transient=True) as live:
        for message in messages:
            view.take(message)
            live.transient = not view.labels  # the error alone stays where no daemon answers
            if message["type"] != "emotion" or time.monotonic() - shown > _REDRAW_SECONDS:
                live.update(render(view, palette), refresh=True)
                shown = time.monotonic()


def _print_changes(view: View, messages: Iterable[Mapping[str, Any]]) -> None:
    printed = ""
    for message in messages:
        view.take(message)
        # A change is followed by the event that has its confidence.
        if view.labels and message["type"] != "change" and view.word != printed:
            printed = view.word
            print(line(view), flush=True)


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


def _trusting(authority: Path | None, url: str) -> ssl.SSLContext:
    """Return a context that trusts one certificate, or those that it signed; None for the usual."""
    if not url.startswith("wss://"):
        raise ConfigError(
            f"{url} is not encrypted, so --ca has no use", "Write wss://, or leave --ca out"
        )
    try:
        context = guarded(ssl.create_default_context(cafile=authority))
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the daemon's own one suffices
        return context
    except ssl.SSLError:
        problem = f"{authority} holds no certificate in PEM"
    except OSError as error:
        problem = f"cannot read the certificate {authority} ({error.strerror})"
    raise ConfigError(problem, "Give the file that the daemon has as --tls-cert")
