"""Escape closes what lies open, one thing at a time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.web.scripted import CLIENT_STREAMS, emotion, hello

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system


def test_escape_closes_one_thing_after_the_other(open_page: Any, start_daemon: Any) -> None:
    daemon = start_daemon(hello(last=emotion(0, "calm"), client_streams=CLIENT_STREAMS))
    page = open_page(daemon)
    page.get_by_role("button", name="Files").click()
    daemon.receive("history").answer(
        {"type": "error", "error": "history-failed", "detail": "The disk is full.", "about": None}
    )
    expect(page.locator("#notice")).to_be_visible()
    page.locator("#about summary").click()
    for opened in ("#about p", "#notice", "#files"):
        expect(page.locator(opened).first).to_be_visible()
    for closed in ("#about p", "#notice", "#files"):
        page.keyboard.press("Escape")
        expect(page.locator(closed).first).to_be_hidden()
    assert page.evaluate("document.activeElement.id") == "files-toggle"


def test_escape_closes_the_question_for_the_token(page: Any) -> None:
    page.evaluate("document.getElementById('token').showModal()")
    page.keyboard.press("Escape")
    expect(page.locator("#token")).to_be_hidden()
