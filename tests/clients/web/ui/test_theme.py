"""What is drawn has the font of the page."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.web.scripted import ScriptedDaemon, emotion

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

FONTS = """(id) => {
  const drawn = document.getElementById(id).getContext("2d").font.replace(/^[\\d.]+px /, "");
  return [drawn, getComputedStyle(document.getElementById("now-word")).fontFamily];
}"""


@pytest.mark.parametrize("canvas", ["timeline-canvas", "plane-canvas"])
def test_canvases_have_the_font_of_the_page(page: Any, daemon: ScriptedDaemon, canvas: str) -> None:
    daemon.send(*[emotion(index, "happy") for index in range(20)])
    expect(page.locator("#now-word")).to_have_text("happy")
    drawn, of_the_page = page.evaluate(FONTS, canvas)
    assert drawn == of_the_page
    assert "system-ui" in drawn


def test_a_saved_picture_has_the_font_of_the_page(page: Any, daemon: ScriptedDaemon) -> None:
    daemon.send(*[emotion(index, "happy") for index in range(20)])
    expect(page.locator("#now-word")).to_have_text("happy")
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save as SVG").click()
    text = saving.value.path().read_text("utf-8")
    assert 'font-family="system-ui' in text
