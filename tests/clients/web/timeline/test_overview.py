"""The timeline from afar: shares of time instead of single events."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.clients.web.daemon.test_past import piece
from tests.clients.web.scripted import EPOCH, ScriptedDaemon, emotion, hello

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

COLUMNS = """([y, from, to]) => {
  const canvas = document.getElementById("timeline-canvas");
  const [left, right] = [Math.round(from * canvas.width), Math.round(to * canvas.width)];
  const row = Math.round(y * canvas.height);
  const pixels = canvas.getContext("2d").getImageData(left, row, right - left, 1).data;
  const colours = new Set();
  for (let at = 0; at < pixels.length; at += 4) colours.add(pixels.slice(at, at + 3).join());
  return [...colours];
}"""
RIBBON, LOW, HIGH = 0.004, 0.55, 0.2
IS_PAINTED = f"""() => {{
  const [[low, ...others], [high]] = [{LOW}, {HIGH}].map((y) => ({COLUMNS})([y, 0.3, 0.7]));
  return others.length === 0 && low !== high;
}}"""


@pytest.fixture
def far_page(open_page: Any, start_daemon: Any) -> Any:
    """Ten minutes in which three labels take turns at every stride."""
    events = [emotion(index, ("happy", "sad", "angry")[index % 3]) for index in range(2400)]
    daemon: ScriptedDaemon = start_daemon(hello(last=events[-1]))
    page = open_page(daemon)
    daemon.receive("past").answer(piece(*events))
    daemon.send(emotion(2400, "sad"))
    for _ in range(3):
        page.locator("#zoom-out").click()
    expect(page.locator("#zoom-span")).to_have_text("10 min")
    page.wait_for_function(IS_PAINTED)
    return page


def test_labels_that_take_turns_are_areas_and_no_barcode(far_page: Any) -> None:
    (low,) = far_page.evaluate(COLUMNS, [LOW, 0.3, 0.7])
    (high,) = far_page.evaluate(COLUMNS, [HIGH, 0.3, 0.7])
    assert low != high


def test_no_label_stands_for_what_is_mixed(far_page: Any) -> None:
    muted_and_words = far_page.evaluate(COLUMNS, [RIBBON, 0.3, 0.7])
    assert len(muted_and_words) == 1
    red, green, blue = map(int, muted_and_words[0].split(","))
    assert max(red, green, blue) - min(red, green, blue) < 12


def test_a_saved_picture_has_the_shares_too(far_page: Any) -> None:
    with far_page.expect_download() as saving:
        far_page.get_by_role("button", name="Save as SVG").click()
    text = saving.value.path().read_text("utf-8")
    assert "share of each 3 s" in text
    assert ">mixed<" in text


def test_the_readout_says_what_is_painted_there(far_page: Any) -> None:
    box = far_page.locator("#timeline").bounding_box()
    far_page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 60)
    readout = far_page.locator("#readout")
    expect(readout.locator(".readout-title")).to_have_text(
        re.compile(r"\d\d:\d\d:\d\d – \d\d:\d\d:\d\d · mixed")
    )
    for label, share in (("happy", 33), ("sad", 33), ("angry", 33), ("calm", 0)):
        expect(readout.locator(f"[data-label={label}]")).to_contain_text(f"{label}{share}")
    expect(readout.locator(".readout-note")).to_contain_text("speech 92")


def test_arrow_keys_move_by_what_is_painted(far_page: Any) -> None:
    timeline = far_page.locator("#timeline")
    timeline.focus()
    far_page.keyboard.press("ArrowLeft")
    before = float(timeline.get_attribute("aria-valuenow"))
    far_page.keyboard.press("ArrowLeft")
    expect(timeline).to_have_attribute("aria-valuenow", f"{before - 3:.2f}")
    expect(timeline).to_have_attribute("aria-valuetext", re.compile(" to .*mixed, then happy 33"))
    far_page.keyboard.press("Shift+ArrowLeft")
    expect(timeline).to_have_attribute("aria-valuenow", f"{before - 18:.2f}")


def test_sound_that_is_faster_than_the_clock_has_no_times_of_day(
    open_page: Any, start_daemon: Any
) -> None:
    events = [emotion(index, "sad", time=EPOCH + index / 1000) for index in range(240)]
    daemon: ScriptedDaemon = start_daemon(hello(last=events[-1]))
    page = open_page(daemon)
    daemon.receive("past").answer(piece(*events))
    daemon.send(emotion(240, "calm", time=EPOCH + 0.24))
    expect(page.locator("#now-word")).to_have_text("calm")
    box = page.locator("#timeline").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 60)
    expect(page.locator(".readout-title")).to_have_text(re.compile(r"0:30 · sad"))
