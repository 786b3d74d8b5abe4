"""Losing the daemon and finding it again."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.clients.web.scripted import ScriptedDaemon, emotion, hello

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system


def test_reconnects_after_a_restart(open_page: Any, start_daemon: Any) -> None:
    first = start_daemon()
    page = open_page(first, motion="no-preference")
    first.send(*[emotion(index, "happy") for index in range(20)])
    expect(page.locator("#now-word")).to_have_text("happy")
    expect(page.locator("#link")).to_have_text("live")
    first.stop()
    expect(page.locator("#now-word")).to_have_text("reconnecting")
    expect(page.locator("#link")).to_have_text("not connected")
    expect(page.locator("#retry")).to_be_visible()
    expect(page.locator("#bars .bar-value").first).to_have_text("–")

    second = start_daemon(hello(last=emotion(0, "sad", time=1795372900.0)), first.port)
    second.wait_for_clients()
    expect(page.locator("#now-word")).to_have_text("sad")
    expect(page.locator("#link")).to_have_text("live")
    # The new daemon counts from zero. The old one's events are still there, before its own.
    page.locator("#timeline").focus()
    page.keyboard.press("Home")
    expect(page.locator("#timeline")).to_have_attribute("aria-valuenow", "0.25")
    expect(page.locator("#timeline")).to_have_attribute("aria-valuetext", _starts("happy"))


def test_try_now(open_page: Any, start_daemon: Any) -> None:
    first = start_daemon()
    # Chance makes the pauses minutes long: no try but the one that is asked for.
    page = open_page(first, script="Math.random = () => 1000")
    first.stop()
    expect(page.locator("#now-detail")).to_contain_text(re.compile(r"Next try in \d{3} s"))
    second = start_daemon(hello(last=emotion(0, "calm")), first.port)
    page.locator("#retry").click()
    second.wait_for_clients()
    expect(page.locator("#now-word")).to_have_text("calm")


def test_pauses_grow(page: Any, daemon: ScriptedDaemon) -> None:
    pauses = page.evaluate(
        """async () => {
          const { pauseSeconds } = await import("/daemon/connection.js");
          return [0, 1, 2, 3, 4, 5, 20].map(pauseSeconds);
        }"""
    )
    for attempt, pause in enumerate(pauses[:5]):
        assert 0.4 * 2**attempt <= pause <= 0.6 * 2**attempt
    assert pauses[-1] <= 18


def _starts(label: str) -> re.Pattern[str]:
    return re.compile(rf"^\d\d:\d\d:\d\d, {label} ")
