"""Deleting an analysed file: the page says that it is gone when the daemon has said so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.web.scripted import (
    CLIENT_STREAMS,
    Message,
    Received,
    ScriptedDaemon,
    emotion,
    hello,
)

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system


def kept(number: int, name: str) -> Message:
    """A file in the daemon's history."""
    return {
        "id": number, "name": name, "time": 1795372800.0 + number, "duration": 2.0,
        "label": "sad", "confidence": 0.8, "scores": emotion(0, "sad")["scores"],
    }  # fmt: skip


FIRST, SECOND = kept(7, "first.wav"), kept(8, "second.wav")


@pytest.fixture
def daemon(start_daemon: Any) -> ScriptedDaemon:
    daemon: ScriptedDaemon = start_daemon(hello(client_streams=CLIENT_STREAMS))
    return daemon


@pytest.fixture
def asked(page: Any, daemon: ScriptedDaemon) -> Received:
    """The page has asked for the history, and lists two files."""
    received = daemon.receive("history")
    received.answer({"type": "history", "files": [SECOND, FIRST]})
    page.get_by_role("button", name="Files").click()
    expect(page.locator("#analysed li")).to_have_count(2)
    return received


def row(page: Any, name: str) -> Any:
    return page.locator("#analysed li", has_text=name)


def delete_with_keys(page: Any, name: str) -> None:
    page.get_by_role("button", name=f"Delete {name}").focus()
    page.keyboard.press("Enter")


def test_the_row_stays_until_the_history_no_longer_holds_it(
    page: Any, daemon: ScriptedDaemon, asked: Received, violations: Any
) -> None:
    row(page, "second.wav").locator(".file-select").click()
    daemon.receive("recall")
    events = [emotion(index, "sad", stream="client-1") for index in range(8)]
    part = {"first": 0, "total": 8, "events": events}
    asked.answer({**SECOND, "type": "recalled", **part})
    expect(page.locator("#player")).to_be_visible()
    delete_with_keys(page, "second.wav")
    assert daemon.receive("forget").message["ids"] == [8]
    expect(row(page, "second.wav")).to_have_attribute("aria-busy", "true")
    expect(row(page, "second.wav")).to_contain_text("deleting…")
    expect(page.get_by_role("button", name="Delete second.wav")).to_be_focused()
    expect(page.get_by_role("button", name="Delete second.wav")).to_be_disabled()
    assert violations(page) == []
    page.keyboard.press("Enter")  # does nothing more
    asked.answer({"type": "history", "files": [SECOND, FIRST]})  # of before
    delete_with_keys(page, "first.wav")
    assert daemon.receive("forget").message["ids"] == [7]
    expect(page.locator("#analysed [aria-busy=true]")).to_have_count(2)
    expect(page.locator("#player")).to_be_visible()
    asked.answer({"type": "history", "files": [FIRST]})
    expect(row(page, "second.wav")).to_have_count(0)
    expect(page.locator("#player")).to_be_hidden()
    expect(row(page, "first.wav")).to_have_attribute("aria-busy", "true")
    expect(page.get_by_role("button", name="Delete first.wav")).to_be_focused()
    asked.answer({"type": "history", "files": []})
    expect(page.locator("#analysed li")).to_have_count(0)
    expect(page.get_by_role("button", name="Choose files…")).to_be_focused()
    expect(page.locator("#notice")).to_be_hidden()


def test_a_lost_link_leaves_the_row_and_says_so(
    page: Any, daemon: ScriptedDaemon, asked: Received
) -> None:
    delete_with_keys(page, "first.wav")
    daemon.receive("forget").hang_up()
    expect(page.locator("#notice-text")).to_have_text(
        "“first.wav” could not be deleted. The connection was lost."
    )
    expect(row(page, "first.wav")).not_to_have_attribute("aria-busy", "true")
    expect(row(page, "first.wav")).not_to_contain_text("deleting…")
    # Once it is there again, the daemon has the last word.
    daemon.receive("history").answer({"type": "history", "files": [SECOND, FIRST]})
    expect(page.locator("#link")).to_have_text("live")
    delete_with_keys(page, "first.wav")
    daemon.receive("forget").answer({"type": "history", "files": [SECOND]})
    expect(row(page, "first.wav")).to_have_count(0)


def test_a_refusal_leaves_the_row_and_says_why(
    page: Any, daemon: ScriptedDaemon, asked: Received
) -> None:
    delete_with_keys(page, "first.wav")
    delete_with_keys(page, "second.wav")
    daemon.receive("forget")
    daemon.receive("forget").answer(
        {
            "type": "error", "error": "history-failed", "about": "forget",
            "detail": "the history is locked. Try again later",
        }
    )  # fmt: skip
    expect(page.locator("#notice-text")).to_contain_text("the history is locked")
    expect(row(page, "first.wav")).not_to_have_attribute("aria-busy", "true")
    expect(row(page, "second.wav")).to_have_attribute("aria-busy", "true")
    asked.answer({"type": "history", "files": [FIRST]})
    expect(row(page, "second.wav")).to_have_count(0)
    expect(row(page, "first.wav")).to_be_visible()
