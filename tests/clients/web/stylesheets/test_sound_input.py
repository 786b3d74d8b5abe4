"""Files, microphone and their words: sizes, assistive technology, and less movement."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.clients.web.scripted import CLIENT_STREAMS, ScriptedDaemon, emotion, hello, status
from tests.support.signals import RATE, demo

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

LONG = "a recording whose name somebody made very long indeed, 2026-11-03 18.22.04.wav"
RIGHT_TO_LEFT = "مقابلة.wav"
# Where the names of files begin, whatever their direction of writing.
BEGINNINGS = """() => [...document.querySelectorAll("#analysed .file-name")].map((name) => {
  const range = document.createRange();
  range.selectNodeContents(name);
  return Math.round(range.getBoundingClientRect().left);
})"""
TOO_MANY = {
    "type": "error", "error": "too-many-streams", "about": "start",
    "detail": "there are 4 streams of clients, and no more than 4 may be. Try again later",
}  # fmt: skip


def result(number: int, name: str, label: str | None) -> dict[str, object]:
    return {
        "id": number, "name": name, "time": 1795372800.0, "duration": 4.0, "label": label,
        "confidence": label and 0.6, "scores": label and emotion(0, label)["scores"],
    }  # fmt: skip


@pytest.mark.parametrize(("size", "theme"), [("large", "light"), ("phone", "dark")])
def test_accessible_and_as_wide_as_the_screen(
    contexts: Any, open_page: Any, start_daemon: Any, violations: Callable[[Any], list[str]],
    tmp_path: Path, size: str, theme: str,
) -> None:  # fmt: skip
    daemon: ScriptedDaemon = start_daemon(hello(client_streams=CLIENT_STREAMS))
    contexts.get(size, "reduce", theme).grant_permissions(["microphone"])
    page = open_page(daemon, size, theme=theme)

    def look() -> None:
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    kept = [result(2, LONG, "happy"), result(1, RIGHT_TO_LEFT, None)]
    daemon.receive("history").answer({"type": "history", "files": kept})
    daemon.send(status("running", device="USB microphone"), emotion(0, "calm"))
    expect(page.locator("#microphone")).to_be_visible()
    look()
    page.get_by_role("button", name="Files").click()
    expect(page.locator("#analysed li")).to_have_count(2)
    assert len(set(page.evaluate(BEGINNINGS))) == 1
    for name in ("first.wav", "second.wav"):
        soundfile.write(tmp_path / name, demo()[: 4 * RATE], RATE)
    files = [str(tmp_path / name) for name in ("first.wav", "second.wav")]
    page.locator("#file-input").set_input_files(files)
    received = daemon.receive("start")
    received.answer(
        {"type": "started", "stream": "client-1", "purpose": "file", "name": "first.wav"}
    )
    received.answer(*[emotion(index, "sad", stream="client-1") for index in range(8)])
    expect(page.locator("#now-detail")).to_have_text("50\u202f% of 4 s")
    look()
    received.answer(*[emotion(index, "sad", stream="client-1") for index in range(8, 16)])
    received.answer({"type": "analysis", "events": 16, **result(3, "first.wav", "sad")})
    daemon.receive("start").answer(TOO_MANY)
    expect(page.locator("#queue").get_by_role("alert")).to_be_visible()
    page.locator("#analysed .file-select", has_text="first.wav").click()
    expect(page.locator("#now-detail")).to_have_text("60\u202f% on average over 4 s")
    look()
    page.get_by_role("button", name="Speak", exact=True).click()
    daemon.receive("start").answer({"type": "started", "stream": "client-2", "purpose": "live"})
    expect(page.locator("#voice-text")).to_contain_text("Only this page sees")
    look()
    moving = "document.getAnimations().filter((it) => it.playState === 'running').length"
    assert page.evaluate(moving) == 0
