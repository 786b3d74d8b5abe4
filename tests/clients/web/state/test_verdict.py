"""What the page says of a whole file: one emotion, several, none, or that it is too short."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from emotiond.inference.card import load_card
from emotiond.inference.catalog import bundled_models
from tests.clients.web.scripted import CLIENT_STREAMS, ScriptedDaemon, emotion, hello
from tests.support.mixed import MIXED

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

VERDICT = """async (result) => {
  const { verdictOf } = await import("/state/verdict.js");
  return verdictOf(result).word;
}"""


def shares_of(parts: Sequence[tuple[str | None, float]]) -> tuple[dict[str, float], float]:
    duration = sum(seconds for _, seconds in parts)
    return {label: seconds / duration for label, seconds in parts if label}, duration


@pytest.mark.parametrize(("parts", "is_mixed"), MIXED)
def test_the_page_has_the_rule_of_the_daemon(
    page: Any, parts: Sequence[tuple[str | None, float]], is_mixed: bool
) -> None:
    shares, duration = shares_of(parts)
    listed = [{"label": label, "share": share} for label, share in shares.items()]
    result = {"label": "sad", "confidence": 0.5, "duration": duration, "shares": listed}
    assert page.evaluate(VERDICT, result) == ("mixed" if is_mixed else "sad")


@pytest.mark.parametrize("model", bundled_models(), ids=lambda path: path.stem)
def test_too_short_means_what_the_card_says(page: Any, model: Path) -> None:
    shortest = load_card(model.with_suffix(".json")).shortest_seconds
    for seconds, word in ((shortest - 1e-6, "too short"), (shortest, "no speech")):
        result = {"label": None, "duration": seconds, "shares": []}
        assert page.evaluate(VERDICT, result) == word


@pytest.mark.parametrize(("seconds", "word"), [(0.2, "too short"), (0.4, "no speech")])
def test_a_file_without_a_label_may_be_too_short(page: Any, seconds: float, word: str) -> None:
    result = {"label": None, "confidence": 0, "duration": seconds, "shares": []}
    assert page.evaluate(VERDICT, result) == word


def test_a_file_of_several_emotions_is_mixed_with_its_shares(
    open_page: Any, start_daemon: Any
) -> None:
    daemon: ScriptedDaemon = start_daemon(hello(client_streams={**CLIENT_STREAMS, "history": True}))
    page = open_page(daemon)
    result = {
        "id": 3, "name": "film.mp4", "time": 1795372800.0, "duration": 7200.0, "label": "sad",
        "confidence": 0.21, "scores": emotion(0, "sad")["scores"],
        "shares": {"angry": 0.25, "happy": 0.4, "sad": 0.05, "calm": 0.2},
    }  # fmt: skip
    asked = daemon.receive("history")
    asked.answer({"type": "history", "files": [result]})
    page.get_by_role("button", name="Files").click()
    row = page.locator("#analysed li", has_text="film.mp4")
    expect(row.locator(".file-label")).to_have_text("mixed")
    row.locator(".file-select").click()
    events = [emotion(index, "happy", stream="client-1") for index in range(4)]
    daemon.receive("recall").answer(
        {"type": "recalled", **result, "first": 0, "total": 4, "events": events}
    )
    expect(page.locator("#now-word")).to_have_text("mixed")
    expect(page.locator("#now-detail")).to_have_text(
        "happy 40\u202f%, angry 25\u202f%, calm 20\u202f% of 2 h"
    )
    expect(page.locator("#now")).to_have_attribute("data-label", "none")
    expect(page.locator("#scores-title")).to_have_text("Shares of the whole file’s time")
    expect(page.locator("#scores-key")).to_be_hidden()
    expect(page.locator("#bars [data-label=happy] .bar-value")).to_have_text("40\u202f%")
    expect(page.locator("#bars [data-label=sad] .bar-value")).to_have_text("5\u202f%")
    expect(page.locator("#bars [data-label=neutral] .bar-value")).to_have_text("0\u202f%")
    expect(page.locator("#plane-caption")).to_have_text("shares of time")
    expect(page.locator("#plane-canvas")).to_have_attribute(
        "aria-label",
        "Shares of the time: calm 20\u202f%, happy 40\u202f%, sad 5\u202f%, angry 25\u202f%",
    )
    page.locator("#timeline").focus()
    page.locator("#timeline").click(position={"x": 2, "y": 60})
    expect(page.locator("#scores-title")).to_have_text(re.compile("^Scores at 0:"))
    expect(page.locator("#scores-key")).to_be_visible()
    expect(page.locator("#plane-caption")).to_have_text("last 20 s")
