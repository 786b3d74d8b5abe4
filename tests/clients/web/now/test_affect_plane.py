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


def test_source_of_the_plane_is_cited(page: Any) -> None:
    page.locator("summary").click()
    about = page.locator(".about")
    expect(about).to_contain_text("not measured in the voice")
    expect(about).to_contain_text("Warriner, A. B., Kuperman, V., & Brysbaert, M. (2013)")
    expect(about).to_contain_text("doi:10.3758/s13428-012-0314-x")
