"""Sizes, themes, keyboard and what assistive technology finds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.web.scripted import ScriptedDaemon, emotion, hello, status

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system


LINES_OF_THE_WORD = """() => {
  const range = document.createRange();
  range.selectNodeContents(document.getElementById("now-word"));
  return range.getClientRects().length;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessible_in_every_state(
    open_page: Any, start_daemon: Any, violations: Any, theme: str
) -> None:
    daemon = start_daemon(hello(("mic", "kitchen"), demo=True))
    page = open_page(
        daemon,
        "large" if theme == "light" else "phone",
        theme=theme,
    )
    assert violations(page) == []
    daemon.send(
        *[emotion(index, "happy") for index in range(40)], emotion(0, "sad", stream="kitchen")
    )
    expect(page.locator("#now-word")).to_have_text("happy")
    page.locator("summary").click()
    page.locator("#timeline").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#readout")).to_be_visible()
    assert violations(page) == []
    daemon.send(status("overload", seq=40), emotion(41, None, state="uncertain", share=0.3))
    expect(page.locator("#now-note")).to_be_visible()
    assert violations(page) == []
    daemon.stop()
    expect(page.locator("#retry")).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize("size", ["phone", "tablet", "large"])
def test_fits_the_width(open_page: Any, daemon: ScriptedDaemon, size: str) -> None:
    page = open_page(daemon, size)
    for index, label in enumerate(("surprised", "disgust", "neutral")):
        daemon.send(emotion(index, label))
        expect(page.locator("#now-word")).to_have_text(label)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate(LINES_OF_THE_WORD) == 1
    daemon.stop()
    expect(page.locator("#now-word")).to_have_text("reconnecting")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if size == "large":
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")


TEXT_HEIGHTS = """() => {
  const size = (selector) =>
    parseFloat(getComputedStyle(document.querySelector(selector)).fontSize);
  const timeline = document.getElementById("timeline-canvas").getContext("2d");
  return [size(".bar-value"), size(".now-detail"), size(".facts"), size("#timeline-pause"),
    parseFloat(timeline.font)].map((pixels) => pixels / innerHeight);
}"""


def test_all_text_grows_up_to_a_wall(open_page: Any, start_daemon: Any) -> None:
    """On a screen with far more pixels, text takes about the same share of the height, or more."""
    daemon = start_daemon(hello(last=emotion(20, "surprised")))
    large, wall = open_page(daemon), open_page(daemon, "wall")
    for page in (large, wall):
        expect(page.locator(".bar-value").first).to_be_visible()
        page.wait_for_function(f"() => ({TEXT_HEIGHTS})()[4] > 10 / innerHeight")
    usual = large.evaluate(TEXT_HEIGHTS)
    assert all(
        share > 0.8 * other for share, other in zip(wall.evaluate(TEXT_HEIGHTS), usual, strict=True)
    )
    assert wall.evaluate(LINES_OF_THE_WORD) == 1
    assert wall.evaluate("document.documentElement.scrollHeight <= innerHeight")


def test_everything_is_reached_by_keyboard_in_reading_order(
    open_page: Any, start_daemon: Any
) -> None:
    daemon = start_daemon(hello(("mic", "kitchen"), last=emotion(0, "calm")))
    page = open_page(daemon)
    expect(page.locator("#now-word")).to_have_text("calm")
    expect(page.get_by_role("button", name="Save as CSV")).to_be_enabled()
    reached = []
    for _ in range(10):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                """() => {
                  const it = document.activeElement;
                  return it.id || it.value || it.name || it.tagName.toLowerCase();
                }"""
            )
        )
    assert reached == [
        "0", "timeline-pause", "zoom-out", "zoom-in", "csv", "json", "png", "svg", "timeline",
        "summary",
    ]  # fmt: skip


def test_with_forced_colours_the_chosen_stream_stands_out(
    open_page: Any, start_daemon: Any
) -> None:
    daemon = start_daemon(hello(("mic", "kitchen"), last=emotion(0, "calm")))
    page = open_page(daemon)
    expect(page.get_by_role("radio", name="mic")).to_be_checked()
    page.emulate_media(forced_colors="active")
    looks = page.locator("#stream-list label").evaluate_all(
        "(labels) => labels.map((label) => getComputedStyle(label).outlineStyle)"
    )
    assert looks == ["solid", "none"]


def test_less_motion_is_respected(open_page: Any, daemon: ScriptedDaemon) -> None:
    page = open_page(daemon)
    daemon.send(emotion(0, None, state="warmup"))
    expect(page.locator("#now-word")).to_have_text("warming up")
    moving = "document.getAnimations().filter((it) => it.playState === 'running').length"
    assert page.evaluate(moving) == 0
