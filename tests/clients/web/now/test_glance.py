"""One number at a time: sentence, ring, scores and point are of the same event."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.clients.web.scripted import ScriptedDaemon, emotion

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

NUMBERS = """() => ({
  sentence: parseInt(document.getElementById("now-detail").textContent),
  ring: parseInt(document.getElementById("orb-ring").style.strokeDasharray),
  score: parseInt(document.querySelector("#bars .is-label .bar-value").textContent),
})"""
WATCH = f"""() => {{
  window.seen = [];
  const look = () => {{
    if (document.getElementById("now").dataset.kind === "speech") window.seen.push(({NUMBERS})());
    requestAnimationFrame(look);
  }};
  requestAnimationFrame(look);
}}"""


def test_all_numbers_are_of_one_event(page: Any, daemon: ScriptedDaemon) -> None:
    daemon.send(emotion(0, "happy", share=0.35))
    expect(page.locator("#now-detail")).to_have_text(re.compile("^35"))
    page.evaluate(WATCH)
    for index, share in enumerate((0.55, 0.7, 0.41, 0.63, 0.88, 0.5, 0.36, 0.97), 1):
        daemon.send(emotion(index, "happy", share=share))
        page.wait_for_timeout(130)  # a stride of a quick daemon: there is nothing to wait for
    expect(page.locator("#now-detail")).to_have_text(re.compile("^97"))
    seen = page.evaluate("window.seen")
    assert len({number["sentence"] for number in seen}) > 2
    assert [number for number in seen if len(set(number.values())) > 1] == []


def test_another_label_is_shown_at_once(page: Any, daemon: ScriptedDaemon) -> None:
    daemon.send(emotion(0, "happy", share=0.35), emotion(1, "sad", share=0.61))
    expect(page.locator("#now-word")).to_have_text("sad")
    assert set(page.evaluate(NUMBERS).values()) == {61}
