"""The facts in the footer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.web.scripted import ScriptedDaemon, emotion, hello, status
from tests.support.daemon import DEMO, running_daemon

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

PATIENCE_MS = 30_000  # a busy machine takes seconds to load a page


def test_the_page_says_what_its_daemon_is_called(
    open_page: Callable[..., Any], start_daemon: Callable[..., ScriptedDaemon]
) -> None:
    page = open_page(start_daemon(hello(name="kitchen")))
    expect(page.locator("#fact-name")).to_have_text("kitchen")
    expect(page).to_have_title(re.compile("mic · kitchen · emotiond"))


def test_footer(page: Any, daemon: ScriptedDaemon) -> None:
    daemon.send(
        status("running", device="Built-in Audio", device_latency_ms=23.2),
        *[emotion(index, "calm", seq=index + 1) for index in range(4)],
        emotion(6, "calm", seq=9, age_ms=400.0),
    )
    expect(page.locator("#fact-latency")).to_have_text("14 ms")
    expect(page.locator("#fact-model")).to_have_text("full")
    expect(page.locator("#fact-report")).to_be_hidden()
    expect(page.locator("#fact-device")).to_have_text("Built-in Audio (+23 ms)")
    expect(page.locator("#fact-missed")).to_have_text("4")


def test_the_model_leads_to_its_confusion_matrix_and_curves(chromium: Any) -> None:
    source = ("--source", f"voice={DEMO}", "--model", "lite", "--history", "off")
    with running_daemon(*source) as daemon:
        context = chromium.new_context()
        page = context.new_page()
        page.goto(daemon.page_url)
        with context.expect_page() as opened:
            page.get_by_role("link", name="figures").click(timeout=PATIENCE_MS)
        report = opened.value
        expect(report.get_by_role("heading", name="emotiond model lite")).to_be_visible(
            timeout=PATIENCE_MS
        )
        assert report.get_by_role("heading", name="Confusion matrix").count() >= 1
        matrix = report.locator("h2:has-text('Confusion matrix') + svg").first
        expect(matrix).to_contain_text("surprised")
        context.close()
