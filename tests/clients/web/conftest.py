from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.clients.web.scripted import Message, ScriptedDaemon, scripted_daemon
from tests.support.chromium import PATIENCE_MS, SIZES
from tests.support.daemon import DEMO, Daemon, running_daemon

OpenPage = Callable[..., Any]


class Served(Protocol):
    """A daemon that serves the page, scripted or real."""

    @property
    def url(self) -> str: ...
    def wait_for_clients(self) -> None: ...


class RealDaemon:
    """A daemon's process that serves the page."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.url = daemon.page_url

    def wait_for_clients(self) -> None:
        """The tests wait for what the page shows."""


def real_environment(data: Path) -> Mapping[str, str]:
    """Return an environment in which a daemon keeps its history in a folder of the test."""
    return {**os.environ, "XDG_DATA_HOME": str(data)}


@pytest.fixture(scope="module")
def real_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDaemon]:
    data = tmp_path_factory.mktemp("data")
    flags = ("--source", f"voice={DEMO}", "--model", "lite")
    with running_daemon(*flags, environment=real_environment(data)) as daemon:
        yield RealDaemon(daemon)


@pytest.fixture
def start_daemon() -> Iterator[Callable[..., ScriptedDaemon]]:
    with ExitStack() as stack:

        def start(greeting: Message | None = None, port: int = 0) -> ScriptedDaemon:
            return stack.enter_context(scripted_daemon(greeting, port))

        yield start


@pytest.fixture
def daemon(start_daemon: Callable[..., ScriptedDaemon]) -> ScriptedDaemon:
    return start_daemon()


class Contexts:
    """Browser contexts, each used again by all tests that want the same kind of one.

    A new one costs more than a page; what a page leaves behind stays with its daemon's port.
    """

    def __init__(self, browser: Any, always_open: str) -> None:
        self._browser = browser
        self._kept: dict[str, Any] = {}
        self._always_open = always_open

    def get(self, size: str, motion: str, theme: str) -> Any:
        key = f"{size} {motion} {theme}"
        if key not in self._kept:
            self._kept[key] = self.new(size, motion, theme)
            self._kept[key].new_page().goto(self._always_open)
        return self._kept[key]

    def close(self) -> None:
        """Forget what pages have stored: a later daemon may get the port of an earlier one."""
        for context in self._kept.values():
            context.close()

    def new(self, size: str, motion: str, theme: str) -> Any:
        """A context of one test."""
        width, height = SIZES[size]
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            has_touch=size == "phone",
            is_mobile=size == "phone",
            reduced_motion=motion,
            color_scheme=theme,
        )
        context.set_default_timeout(PATIENCE_MS)
        return context


@pytest.fixture(scope="module")
def contexts(chromium: Any) -> Iterator[Contexts]:
    with scripted_daemon() as daemon:
        contexts = Contexts(chromium, f"{daemon.url}icon.svg")
        yield contexts
        contexts.close()


@pytest.fixture
def open_page(contexts: Contexts, start_daemon: object) -> Iterator[OpenPage]:
    """Opens the page of a daemon; afterwards nothing may have gone wrong unseen in it.

    Asks for ``start_daemon`` so that pages are closed before their daemons. Movement is off unless
    a test wants it: a still page paints on events alone and leaves the processor to the tests.
    With ``clock``, the test moves the page's time on with ``page.clock``.
    """
    problems: list[str] = []
    with ExitStack() as stack:

        def open_one(
            daemon: Served,
            size: str = "large",
            *,
            path: str = "",
            motion: str = "reduce",
            theme: str = "light",
            script: str = "",
            clock: bool = False,
        ) -> Any:
            if clock:  # it is the context's
                context = contexts.new(size, motion, theme)
                stack.callback(context.close)
                context.clock.install()
            else:
                context = contexts.get(size, motion, theme)
            page = context.new_page()
            stack.callback(page.close)
            page.on("pageerror", lambda error: problems.append(f"uncaught: {error}"))
            page.on("console", lambda line: note_console(line.type, line.text))
            page.on("request", lambda request: note_request(daemon, request.url))
            page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
            if script:
                page.add_init_script(script)
            page.goto(daemon.url + path)
            daemon.wait_for_clients()
            return page

        def note_console(kind: str, text: str) -> None:
            # Some tests are about a daemon that is down: a page that was cut off asks it why, and
            # may ask the next one. Others read the canvas back.
            known = ("WebSocket connection", "ERR_CONNECTION_REFUSED", "426 (Upgrade Required)")
            known += ("willReadFrequently",)
            if kind in ("error", "warning") and not any(part in text for part in known):
                problems.append(f"{kind}: {text}")

        def note_request(daemon: Served, url: str) -> None:
            if not url.startswith((daemon.url, daemon.url.replace("http", "ws"), "blob:")):
                problems.append(f"fetched from outside: {url}")

        yield open_one
    assert problems == []


@pytest.fixture
def page(open_page: OpenPage, daemon: ScriptedDaemon) -> Any:
    return open_page(daemon)
