"""The timeline: what is painted where, and moving about in it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.clients.web.scripted import EPOCH, Message, ScriptedDaemon, emotion, hello, status

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

COLOUR = """([x, y]) => {
  const canvas = document.getElementById("timeline-canvas");
  const context = canvas.getContext("2d");
  const [left, top] = [Math.round(x * canvas.width), Math.round(y * canvas.height)];
  const pixel = context.getImageData(left, top, 1, 1).data;
  return "#" + [...pixel.slice(0, 3)].map((part) => part.toString(16).padStart(2, "0")).join("");
}"""
STYLE = "(name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()"
RIBBON = 0.004
IS_PAINTED = f"""([x, y, token]) => ({COLOUR})([x, y]) === ({STYLE})(token)"""


def wait_for_colour(page: Any, x: float, y: float, token: str) -> None:
    """Waits until the pixel at these shares of width and height has the style sheet's colour."""
    page.wait_for_function(IS_PAINTED, arg=[x, y, token])


def minute() -> list[Message]:
    """20 s each of happy, silence and sad."""
    return [
        *[emotion(index, "happy") for index in range(80)],
        *[emotion(80 + index, None, state="silence") for index in range(80)],
        *[emotion(160 + index, "sad") for index in range(80)],
    ]


@pytest.fixture
def still_page(open_page: Any, daemon: ScriptedDaemon) -> Any:
    """Without movement the right edge is the newest event, and so every place is known."""
    page = open_page(daemon)
    daemon.send(*minute())
    expect(page.locator("#now-word")).to_have_text("sad")
    return page


def test_labels_are_painted_where_they_were(still_page: Any, daemon: ScriptedDaemon) -> None:
    wait_for_colour(still_page, 0.30, RIBBON, "happy")
    wait_for_colour(still_page, 0.50, RIBBON, "lane")
    wait_for_colour(still_page, 0.98, RIBBON, "sad")
    daemon.send(*[emotion(240 + index, "angry") for index in range(40)])
    wait_for_colour(still_page, 0.98, RIBBON, "angry")
    wait_for_colour(still_page, 0.70, RIBBON, "sad")


def test_missing_events_leave_a_gap(still_page: Any, daemon: ScriptedDaemon) -> None:
    daemon.send(*[emotion(320 + index, "angry") for index in range(20)])
    wait_for_colour(still_page, 0.98, RIBBON, "angry")
    wait_for_colour(still_page, 0.75, RIBBON, "lane")
    wait_for_colour(still_page, 0.50, RIBBON, "sad")


def test_theme_changes_while_open(still_page: Any) -> None:
    wait_for_colour(still_page, 0.98, RIBBON, "sad")
    light = still_page.evaluate(STYLE, "sad")
    still_page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert still_page.evaluate(STYLE, "sad") != light
    wait_for_colour(still_page, 0.98, RIBBON, "sad")


def test_zoom(still_page: Any) -> None:
    expect(still_page.locator("#zoom-span")).to_have_text("1 min")
    still_page.locator("#zoom-in").click()
    expect(still_page.locator("#zoom-span")).to_have_text("30 s")
    wait_for_colour(still_page, 0.40, RIBBON, "sad")
    for _ in range(4):
        still_page.locator("#zoom-out").click()
    expect(still_page.locator("#zoom-span")).to_have_text("10 min")
    expect(still_page.locator("#zoom-out")).to_be_disabled()
    wait_for_colour(still_page, 0.98, RIBBON, "sad")
    wait_for_colour(still_page, 0.92, RIBBON, "happy")
    still_page.locator("#timeline").hover()
    still_page.keyboard.down("Control")
    still_page.mouse.wheel(0, -300)
    still_page.keyboard.up("Control")
    expect(still_page.locator("#zoom-span")).to_have_text("5 min")


def test_pause_and_live(still_page: Any, daemon: ScriptedDaemon) -> None:
    still_page.locator("#timeline-pause").click()
    daemon.send(*[emotion(240 + index, "angry") for index in range(80)])
    expect(still_page.locator("#now-word")).to_have_text("angry")
    expect(still_page.locator("#timeline-behind")).to_have_text("paused, 20 s behind")
    wait_for_colour(still_page, 0.98, RIBBON, "sad")
    still_page.locator("#timeline-pause").click()
    wait_for_colour(still_page, 0.98, RIBBON, "angry")
    expect(still_page.locator("#timeline-behind")).to_have_text("")


def test_hover_reads_the_exact_scores(still_page: Any) -> None:
    box = still_page.locator("#timeline").bounding_box()
    still_page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 60)
    readout = still_page.locator("#readout")
    expect(readout).to_be_visible()
    sad = emotion(200, "sad")["scores"]
    expect(readout.locator("[data-label=sad]")).to_contain_text(f"{sad['sad']:.3f}")
    expect(readout.locator("[data-label=calm]")).to_contain_text(f"{sad['calm']:.3f}")
    expect(readout.locator(".readout-note")).to_contain_text("-23.4 dBFS · speech 92")
    still_page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 60)
    expect(readout.locator(".readout-title")).to_contain_text("silence")
    expect(readout.locator("[data-label=sad]")).to_contain_text("–")
    still_page.mouse.move(box["x"], box["y"] - 200)
    expect(readout).to_be_hidden()


def test_drag_looks_back(still_page: Any) -> None:
    for _ in range(2):
        still_page.locator("#zoom-in").click()
    box = still_page.locator("#timeline").bounding_box()
    still_page.mouse.move(box["x"] + 100, box["y"] + 80)
    still_page.mouse.down()
    still_page.mouse.move(box["x"] + 100 + box["width"] / 3, box["y"] + 80, steps=4)
    still_page.mouse.up()
    # 15 s are shown: a third of them is 5 s.
    expect(still_page.locator("#timeline-behind")).to_have_text(re.compile("paused, [45] s behind"))
    still_page.locator("#timeline-pause").click()
    expect(still_page.locator("#timeline-pause")).to_have_text("Pause")


def test_where_nothing_has_come_the_lanes_are_empty(open_page: Any, start_daemon: Any) -> None:
    daemon: ScriptedDaemon = start_daemon(hello(()))
    page = open_page(daemon)
    expect(page.locator("#now-word")).to_have_text("waiting")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for y in (RIBBON, 0.3, 0.75):
            wait_for_colour(page, 0.5, y, "lane")
        wait_for_colour(page, 0.5, 0.95, "panel")
    expect(page.locator("#timeline-pause")).to_be_disabled()
    daemon.stop()
    expect(page.locator("#now-word")).to_have_text("not connected")
    wait_for_colour(page, 0.5, RIBBON, "lane")


def test_a_pause_that_only_the_clock_counts_is_a_gap(
    still_page: Any, daemon: ScriptedDaemon
) -> None:
    """A computer that was suspended: its sound goes on as if there had been no pause."""
    later = [emotion(240 + i, "angry", time=EPOCH + 80.25 + i / 4) for i in range(40)]
    daemon.send(*later)
    wait_for_colour(still_page, 0.98, RIBBON, "angry")
    wait_for_colour(still_page, 0.70, RIBBON, "lane")
    wait_for_colour(still_page, 0.40, RIBBON, "sad")
    timeline = still_page.locator("#timeline")
    timeline.focus()
    still_page.keyboard.press("ArrowLeft")
    for _ in range(2):
        still_page.keyboard.press("Shift+ArrowLeft")
    expect(timeline).to_have_attribute("aria-valuenow", "80.25")
    still_page.keyboard.press("Shift+ArrowLeft")
    expect(timeline).to_have_attribute("aria-valuenow", "60.00")


def test_keyboard(still_page: Any) -> None:
    timeline = still_page.locator("#timeline")
    text = "aria-valuetext"
    timeline.focus()
    still_page.keyboard.press("ArrowLeft")
    expect(timeline).to_have_attribute(text, re.compile(r"sad 80.%, then surprised 5.%, level -23"))
    expect(timeline).to_have_attribute("aria-valuenow", "60.00")
    still_page.keyboard.press("ArrowLeft")
    expect(timeline).to_have_attribute("aria-valuenow", "59.75")
    still_page.keyboard.press("Shift+ArrowLeft")
    expect(timeline).to_have_attribute("aria-valuenow", "54.75")
    still_page.keyboard.press("Home")
    expect(timeline).to_have_attribute("aria-valuenow", "0.25")
    expect(still_page.locator("#readout")).to_be_visible()
    still_page.keyboard.press("End")
    expect(timeline).to_have_attribute("aria-valuenow", "60.00")
    still_page.keyboard.press("+")
    expect(still_page.locator("#zoom-span")).to_have_text("30 s")
    still_page.keyboard.press("-")
    expect(still_page.locator("#zoom-span")).to_have_text("1 min")
    still_page.keyboard.press("Escape")
    expect(still_page.locator("#readout")).to_be_hidden()
    expect(still_page.locator("#timeline-pause")).to_have_text("Go live")
    still_page.keyboard.press("Space")
    expect(still_page.locator("#timeline-pause")).to_have_text("Pause")
    expect(timeline).to_have_attribute(text, "live")


def test_a_stream_that_has_ended_can_not_be_paused(still_page: Any, daemon: ScriptedDaemon) -> None:
    pause, behind = still_page.locator("#timeline-pause"), still_page.locator("#timeline-behind")
    timeline = still_page.locator("#timeline")
    expect(pause).to_be_enabled()
    daemon.send(status("ended", seq=240))
    expect(pause).to_be_disabled()
    timeline.focus()
    still_page.keyboard.press("Space")  # does nothing
    expect(behind).to_have_text("")
    still_page.keyboard.press("Home")
    expect(pause).to_be_enabled()
    expect(pause).to_have_text("Go to end")
    expect(behind).to_have_text(re.compile(r"before the end$"))
    pause.click()
    expect(pause).to_be_disabled()
    expect(behind).to_have_text("")
    expect(timeline).to_have_attribute("aria-valuetext", "ended")


def test_finger_reads_and_moves(open_page: Any, daemon: ScriptedDaemon) -> None:
    page = open_page(daemon, "phone")
    daemon.send(*minute())
    expect(page.locator("#now-word")).to_have_text("sad")
    page.locator("#timeline").tap()
    expect(page.locator("#readout")).to_be_visible()
    expect(page.locator("#timeline-pause")).to_have_text("Go live")
    box = page.locator("#readout").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
