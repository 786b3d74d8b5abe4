"""The plane of valence and arousal: where its point is, and where its words come from."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.clients.web.scripted import ScriptedDaemon, emotion

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system


def test_plane_says_where_the_point_is(page: Any, daemon: ScriptedDaemon) -> None:
    daemon.send(emotion(0, "happy", scores={"happy": 1.0}))
    plane = page.locator("#plane-canvas")
    expect(plane).to_have_attribute("aria-label", re.compile("^Valence 8.5 and arousal 6.0, on"))
    daemon.send(emotion(1, "sad", scores={"sad": 0.5, "calm": 0.5}))
    expect(plane).to_have_attribute("aria-label", re.compile("^Valence 4.5 and arousal 2.6, on"))
    daemon.send(emotion(2, None, state="silence"))
    expect(plane).to_have_attribute("aria-label", "Valence and arousal: no score at present")


INK_ON_THE_AXIS = """() => {
  const canvas = document.getElementById("plane-canvas");
  const context = canvas.getContext("2d");
  const y = Math.round(canvas.height * (1 - (5 - 0.9) / (7 - 0.9)));
  const x = Math.round((canvas.width * (3.32 - 1.2)) / (9.4 - 1.2));
  const size = parseFloat(context.font);
  const line = [...context.getImageData(x + size, y, 2, 1).data].join();
  return [line, [...context.getImageData(2, y, 2, 1).data].join()];
}"""


def test_the_axis_does_not_run_through_a_word(page: Any, daemon: ScriptedDaemon) -> None:
    daemon.send(emotion(0, None, state="silence"))
    expect(page.locator("#now-word")).to_have_text("silence")
    beside_the_shape, axis = page.evaluate(INK_ON_THE_AXIS)
    assert beside_the_shape != axis


# The words of the plane, and those that are covered by a rectangle drawn later.
WATCH_MARKS = """
  const drawing = CanvasRenderingContext2D.prototype;
  const { clearRect, fillRect, fillText } = drawing;
  window.words = [];
  window.covered = [];
  drawing.clearRect = function (...box) {
    if (this.canvas.id === "plane-canvas") [window.words, window.covered] = [[], []];
    clearRect.call(this, ...box);
  };
  drawing.fillText = function (text, x, y) {
    const size = this.measureText(text);
    if (this.canvas.id === "plane-canvas") window.words.push({
      text, left: x - size.actualBoundingBoxLeft, right: x + size.actualBoundingBoxRight,
      top: y - size.actualBoundingBoxAscent, bottom: y + size.actualBoundingBoxDescent,
    });
    fillText.call(this, text, x, y);
  };
  drawing.fillRect = function (x, y, width, height) {
    if (this.canvas.id === "plane-canvas") window.covered.push(...window.words.filter((word) =>
      word.left < x + width && word.right > x && word.top < y + height && word.bottom > y));
    fillRect.call(this, x, y, width, height);
  };
"""


@pytest.mark.parametrize("size", ["phone", "tablet", "large"])
def test_no_word_is_covered(open_page: Any, daemon: ScriptedDaemon, size: str) -> None:
    page = open_page(daemon, size, script=WATCH_MARKS)
    page.wait_for_function("words.length === 12")  # eight labels and the ends of the axes
    assert page.evaluate("covered.map((word) => word.text)") == []


def test_source_of_the_plane_is_cited(page: Any) -> None:
    page.locator("summary").click()
    about = page.locator(".about")
    expect(about).to_contain_text("not measured in the voice")
    expect(about).to_contain_text("Warriner, A. B., Kuperman, V., & Brysbaert, M. (2013)")
    expect(about).to_contain_text("doi:10.3758/s13428-012-0314-x")
