"""The site of docs/: built without a warning, with every page, loading nothing from outside."""

from __future__ import annotations

import functools
import html
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import emotiond
from emotiond.streamer import cli
from tests.support.chromium import PATIENCE_MS, SIZES
from tests.support.daemon import emotiond as run_emotiond

pytest.importorskip("mkdocs", reason="needs mkdocs-material")

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.name for path in (ROOT / "docs").glob("*.md"))
LOOKED_AT = ("index.html", "first-hour.html", "mqtt.html", "command-line.html", "SECURITY.html")
EXTERNAL = re.compile(r"(?:https?:)?//[^\s\"'<>)]+")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as ``make site`` builds it: a page outside the navigation or a broken link fails."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert built.returncode == 0, f"{built.stdout}\nA new page belongs into 'nav' of mkdocs.yml"
    assert "WARNING" not in built.stdout
    return folder


class Reading(HTMLParser):
    """The blocks of code of a page, what it fetches, and its headings."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.blocks: list[str] = []
        self.fetched: set[str] = set()
        self.headings: set[str] = set()
        self._inside = ""
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("img", "script", "iframe", "source", "link"):
            if given.get("rel") not in ("canonical", "next", "prev"):
                self.fetched.add(given.get("src") or given.get("href") or "")
        elif tag == "pre":
            self.blocks.append("")
            self._inside = "pre"
        elif re.fullmatch("h[1-6]", tag):
            self.headings.add(given.get("id") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "pre":
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.blocks[-1] += data


def test_every_page_of_the_folder_is_on_the_site(site: Path) -> None:
    for page in PAGES:
        assert (site / page.replace(".md", ".html")).is_file()


def test_the_command_line_is_the_help_of_every_command(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = Reading(site / "command-line.html").blocks
    monkeypatch.setenv("COLUMNS", "100")
    assert len(blocks) > len(cli.COMMANDS)
    for command in ([], ["run"], ["service"]):
        asked = run_emotiond(*command, "--help")
        assert (asked.returncode, asked.stderr) == (0, "")
        assert asked.stdout in blocks, command


def test_the_settings_are_those_of_the_example(site: Path) -> None:
    assert run_emotiond("config", "--example").stdout in Reading(site / "settings.html").blocks


def test_the_page_of_python_has_every_name_and_argument(site: Path) -> None:
    reading = Reading(site / "python.html")
    text = html.unescape((site / "python.html").read_text("utf-8"))
    for name in emotiond.__all__:
        assert f"emotiond{name}".lower() in reading.headings
    for function in (emotiond.analyze, emotiond.listen):
        for argument in function.__annotations__.keys() - {"return"}:
            assert f"<li>\n<p><code>{argument}</code>" in text or f"<li><code>{argument}" in text
    for event in (emotiond.Emotion, emotiond.Change, emotiond.Status, emotiond.Analysis):
        for field in event.__dataclass_fields__:
            assert f"<td><code>{field}</code>" in text


def test_the_icon_is_that_of_the_page(site: Path) -> None:
    icon = (ROOT / "clients" / "web" / "icon.svg").read_bytes()
    assert (site / "assets" / "icon.svg").read_bytes() == icon


def test_the_colours_are_those_of_the_page() -> None:
    ours, theirs = (
        set(re.findall(r"#[0-9a-f]{6}\b", (ROOT / path).read_text("utf-8")))
        for path in ("docs/assets/site.css", "clients/web/stylesheets/colours.css")
    )
    assert len(ours) > 10
    assert ours <= theirs


def test_no_page_or_stylesheet_names_another_host_to_load_from(site: Path) -> None:
    for page in site.rglob("*.html"):
        outside = {url for url in Reading(page).fetched if EXTERNAL.match(url)}
        assert not outside, page
    for sheet in site.rglob("*.css"):
        loaded = re.findall(
            r"(?:url\(|@import\s)\s*[\"']?((?:https?:)?//[^)\"']+)", sheet.read_text("utf-8")
        )
        assert not loaded, sheet


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The site on a web server."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    handler = functools.partial(Quiet, directory=os.fspath(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture(scope="module")
def visit(chromium: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Opens a page of the site; afterwards nothing may have come from outside, or gone wrong."""
    problems: list[str] = []
    contexts = []

    def note_request(url: str) -> None:
        if not url.startswith((address, "blob:", "data:")):
            problems.append(f"fetched from outside: {url}")

    def open_context(size: str, theme: str) -> Any:
        width, height = SIZES[size]
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: note_request(request.url))
        page.on("pageerror", lambda error: problems.append(f"uncaught: {error}"))
        page.on(
            "console",
            lambda line: line.type in ("error", "warning") and problems.append(line.text),
        )
        return page

    yield open_context
    for context in contexts:
        context.close()
    assert problems == []


@pytest.mark.parametrize(("size", "theme"), [("large", "light"), ("phone", "dark")])
def test_pages_fit_the_screen_and_follow_the_theme_of_the_system(
    visit: Callable[..., Any], address: str, size: str, theme: str
) -> None:
    page = visit(size, theme)
    for name in LOOKED_AT:
        page.goto(address + name)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        scheme = page.evaluate("document.body.dataset.mdColorScheme")
        assert scheme == {"light": "default", "dark": "slate"}[theme]
    page.wait_for_load_state("networkidle")


def test_the_search_finds_a_page(visit: Callable[..., Any], address: str) -> None:
    page = visit("large", "light")
    page.goto(address)
    page.locator(".md-search__input").click()
    page.get_by_text("Type to start searching").wait_for()
    page.keyboard.type("mosquitto")
    page.locator(".md-search-result__link", has_text="A lamp by Home Assistant").first.click()
    page.wait_for_url(f"{address}mqtt.html*")
