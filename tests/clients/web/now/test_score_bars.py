"""The eight bars, smoothed and raw."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.clients.web.scripted import LABELS, ScriptedDaemon, emotion

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system


def width_share(page: Any, label: str, part: str) -> float:
    """Return the right edge of a bar or the left edge of a raw mark, as a share of the track."""
    share = page.evaluate(
        """([label, part]) => {
          const row = document.querySelector(`#bars [data-label=${label}]`);
          const track = row.querySelector(".bar-track").getBoundingClientRect();
          const box = row.querySelector(part).getBoundingClientRect();
          const edge = part === ".bar-raw" ? box.left : box.right;
          return (edge - track.left) / track.width;
        }""",
        [label, part],
    )
    return float(share)


def test_eight_bars_in_the_protocols_order(page: Any) -> None:
    expect(page.locator("#bars .bar-name")).to_have_text(list(LABELS))


def test_smoothed_and_raw(open_page: Any, daemon: ScriptedDaemon) -> None:
    page = open_page(daemon)
    event = emotion(0, "sad", share=0.6, raw_share=0.9)
    daemon.send(event)
    expect(page.locator("#bars [data-label=sad] .bar-value")).to_have_text("60\u202f%")
    for label in LABELS:
        assert width_share(page, label, ".bar-smoothed") == pytest.approx(
            event["scores"][label], abs=0.01
        )
        assert width_share(page, label, ".bar-raw") == pytest.approx(event["raw"][label], abs=0.01)
    meter = page.get_by_role("meter", name="sad")
    expect(meter).to_have_attribute("aria-valuenow", "60")
    expect(page.locator("#bars .is-label").first).to_have_text(re.compile("^sad"))


def test_silence_empties_them(page: Any, daemon: ScriptedDaemon) -> None:
    daemon.send(emotion(0, "sad"))
    expect(page.locator("#bars [data-label=sad] .bar-value")).to_have_text("80\u202f%")
    daemon.send(emotion(1, None, state="silence"))
    expect(page.locator("#bars [data-label=sad] .bar-value")).to_have_text("–")
    expect(page.get_by_role("meter", name="sad")).to_have_attribute("aria-valuetext", "no score")


def test_a_raw_score_of_nothing_has_no_mark(page: Any, daemon: ScriptedDaemon) -> None:
    raw = dict.fromkeys(LABELS, 0.0) | {"sad": 0.97, "calm": 0.03}
    daemon.send(emotion(0, "sad", raw=raw))
    expect(page.locator("#bars [data-label=sad] .bar-raw")).to_be_visible()
    expect(page.locator("#bars [data-label=calm] .bar-raw")).to_be_visible()
    expect(page.locator("#bars .bar-raw:visible")).to_have_count(2)
