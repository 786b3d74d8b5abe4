from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.clients.web.scripted import Message, ScriptedDaemon, scripted_daemon

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # With one page always open, all others share its process: starting one is slower than a page.
    "--process-per-site",
)
SIZES = {"large": (1440, 900), "tablet": (820, 1180), "phone": (390, 844)}

OpenPage = Callable[..., Any]


# Not of the whole session: while Playwright lives, an event loop runs in this thread.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("needs chromium (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


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
            width, height = SIZES[size]
            self._kept[key] = self._browser.new_context(
                viewport={"width": width, "height": height},
                has_touch=size == "phone",
                is_mobile=size == "phone",
                reduced_motion=motion,
                color_scheme=theme,
            )
            self._kept[key].set_default_timeout(10_000)
            self._kept[key].new_page().goto(self._always_open)
        return self._kept[key]


@pytest.fixture(scope="module")
def contexts(chromium: Any) -> Iterator[Contexts]:
    with scripted_daemon() as daemon:
        yield Contexts(chromium, f"{daemon.url}icon.svg")


@pytest.fixture
def open_page(contexts: Contexts, start_daemon: object) -> Iterator[OpenPage]:
    """Opens the page of a daemon; afterwards nothing may have gone wrong unseen in it.

    Asks for ``start_daemon`` so that pages are closed before their daemons. Movement is off unless
    a test wants it: a still page paints on events alone and leaves the processor to the tests.
    """
    problems: list[str] = []
    with ExitStack() as stack:

        def open_one(
            daemon: ScriptedDaemon,
            size: str = "large",
            *,
            path: str = "",
            motion: str = "reduce",
            theme: str = "light",
        ) -> Any:
            page = contexts.get(size, motion, theme).new_page()
            stack.callback(page.close)
            page.on("pageerror", lambda error: problems.append(f"uncaught: {error}"))
            page.on("console", lambda line: note_console(line.type, line.text))
            page.on("request", lambda request: note_request(daemon, request.url))
            page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
            page.goto(daemon.url + path)
            daemon.wait_for_clients()
            return page

        def note_console(kind: str, text: str) -> None:
            # A daemon that is down is what some tests are about; others read the canvas back.
            known = "WebSocket connection" in text or "willReadFrequently" in text
            if kind in ("error", "warning") and not known:
                problems.append(f"{kind}: {text}")

        def note_request(daemon: ScriptedDaemon, url: str) -> None:
            if not url.startswith((daemon.url, daemon.url.replace("http", "ws"), "blob:")):
                problems.append(f"fetched from outside: {url}")

        yield open_one
    assert problems == []


@pytest.fixture
def page(open_page: OpenPage, daemon: ScriptedDaemon) -> Any:
    return open_page(daemon)
