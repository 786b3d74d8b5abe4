"""``emotiond watch``: live bars in a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from emotiond.clients.websocket_client import TokenRefused, messages_forever

_BAR_CELLS = 40
_EIGHTHS = " ▏▎▍▌▋▊▉"
# Okabe & Ito (2008): distinct for colour-blind people too. The label is always beside the colour.
_COLOURS = {
    "neutral": "#999999",
    "calm": "#56b4e9",
    "happy": "#f0e442",
    "sad": "#0072b2",
    "angry": "#d55e00",
    "fearful": "#cc79a7",
    "disgust": "#009e73",
    "surprised": "#e69f00",
}


@dataclass
class View:
    """The state of the stream on display."""

    labels: tuple[str, ...] = ()
    model: str = ""
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
            self.stream = message["streams"][0] if message["streams"] else None
            self.demo = bool(message.get("demo"))
            self.emotion, self.status = message["last"] or {}, {}
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


def render(view: View) -> RenderableType:
    """Return the whole display: label, bars, and a line about the stream."""
    table = Table.grid(padding=(0, 1))
    scores = view.emotion.get("scores") or {}
    for label in view.labels:
        score = scores.get(label, 0.0)
        style = _COLOURS.get(label, "white")
        name = Text(label, style="bold" if label == view.emotion.get("label") else "")
        table.add_row(name, Text(bar(score), style=style), Text(f"{score:4.0%}" if scores else ""))
    return Group(_headline(view), Text(), table, Text(), Text(_footer(view), style="dim"))


def bar(share: float, cells: int = _BAR_CELLS) -> str:
    """Return a bar of block characters, exact to an eighth of a cell, of constant width."""
    eighths = round(min(max(share, 0.0), 1.0) * cells * 8)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(cells)


def _headline(view: View) -> Text:
    if view.connection:
        return Text(view.connection, style="yellow")
    status = view.status.get("status", "running")
    if status != "running":
        return Text(f"{status}  {view.status.get('detail', '')}".strip(), style="yellow")
    label, emotion = view.emotion.get("label"), view.emotion
    if label is None:
        return Text(str(emotion.get("state", "waiting for sound …")), style="dim")
    headline = Text(label, style=f"bold {_COLOURS.get(label, 'white')}")
    headline.append(f"  {emotion['confidence']:.0%}", style="default")
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
    return " · ".join(part for part in parts if part)


def watch_stream(url: str, token: str | None = None, console: Console | None = None) -> int:
    """Show a daemon's default stream until Ctrl-C; reconnects by itself.

    Args:
        url: the URL of the daemon's WebSocket.
        token: the token of the daemon; None if it requires none.
        console: the console to draw on.

    Returns:
        The exit status: 1 if another program answers or the token is wrong, 2 if ``url`` is not the
        address of a WebSocket.
    """
    console = console or Console()
    if not _is_websocket_url(url):
        print(f"emotiond: {url!r} is no address like ws://127.0.0.1:8765/ws", file=sys.stderr)
        return 2
    view = View()
    try:
        with Live(render(view), console=console, auto_refresh=False, screen=False) as live:
            shown = 0.0
            for message in messages_forever(url, token):
                view.take(message)
                if message["type"] != "emotion" or time.monotonic() - shown > 0.05:
                    live.update(render(view), refresh=True)
                    shown = time.monotonic()
    except KeyboardInterrupt:
        pass
    except TokenRefused as refused:
        print(f"emotiond: {refused}: give it with --token-file FILE", file=sys.stderr)
        return 1
    except (KeyError, TypeError, AttributeError):
        print(f"emotiond: what answers at {url} is no emotiond", file=sys.stderr)
        return 1
    return 0


def _is_websocket_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an invalid port, or a missing bracket
        return False
