"""The page of a daemon that wants a token, with a real one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import DEMO, Daemon, running_daemon

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

TOKEN = "correct horse battery staple"  # noqa: S105


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    file = tmp_path_factory.mktemp("token") / "token"
    file.write_text(TOKEN)
    file.chmod(0o600)
    flags = ("--source", f"voice={DEMO}", "--model", "lite", "--token-file", str(file))
    with running_daemon(*flags) as daemon:
        yield daemon


@pytest.fixture
def page(contexts: Any, daemon: Daemon) -> Iterator[Any]:
    page = contexts.get("large", "reduce", "light").new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.goto(daemon.page_url)
    yield page
    page.close()
    assert problems == []


def test_it_asks_and_listens_and_keeps_the_token_for_the_tab(page: Any) -> None:
    dialog = page.get_by_role("dialog", name="The daemon’s token")
    expect(dialog).to_be_visible()
    expect(page.get_by_label("Token", exact=True)).to_be_focused()
    page.keyboard.type(f" {TOKEN} ")
    page.keyboard.press("Enter")
    expect(page.locator("#link")).to_have_text("live")
    expect(dialog).to_be_hidden()
    expect(page.locator("#stream-single")).to_have_text("voice")
    assert TOKEN not in page.url
    page.reload()
    expect(page.locator("#link")).to_have_text("live")
    expect(dialog).to_be_hidden()


def test_a_wrong_token_is_reported_and_the_dialog_asks_again(page: Any) -> None:
    expect(page.get_by_label("Token", exact=True)).to_be_focused()
    expect(page.locator("#token-wrong")).to_be_empty()
    page.keyboard.type("x" * 20)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("That token is not right. Please try again.")
    page.keyboard.type(TOKEN)
    page.get_by_role("button", name="Listen").click()
    expect(page.locator("#link")).to_have_text("live")


def test_a_dismissed_dialog_leaves_the_page_locked_and_can_be_reopened(page: Any) -> None:
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#now-word")).to_have_text("locked")
    page.get_by_role("button", name="Enter the token").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("button", name="Not now").click()
    expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_dialog_is_accessible(page: Any, theme: str) -> None:
    pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python")
    page.emulate_media(color_scheme=theme)
    axe: Path = Path(str(resources.files("axe_playwright_python") / "axe.min.js"))
    expect(page.get_by_role("dialog")).to_be_visible()
    page.evaluate(axe.read_text("utf-8"))
    found = page.evaluate("async () => (await axe.run()).violations.map((each) => each.help)")
    assert found == []
    expect(page.locator("#token-input")).to_have_attribute("type", re.compile("password"))
