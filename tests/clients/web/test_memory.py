"""The memory of a page stays flat over a day and with many streams."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.web.scripted import ScriptedDaemon, emotion

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system


def test_memory_stays_flat(open_page: Any, daemon: ScriptedDaemon) -> None:
    page = open_page(daemon, motion="no-preference")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def measure(first: int, count: int) -> dict[str, float]:
        last = first + count - 1
        for begin in range(first, last, 500):
            daemon.send(
                *[emotion(index, "happy") for index in range(begin, min(begin + 500, last))]
            )
        daemon.send(emotion(last, "sad"))
        expect(page.locator("#now-word")).to_have_text("sad")
        daemon.send(emotion(last + 1, "calm"))
        expect(page.locator("#now-word")).to_have_text("calm")
        session.send("HeapProfiler.collectGarbage")
        metrics = session.send("Performance.getMetrics")["metrics"]
        return {metric["name"]: metric["value"] for metric in metrics}

    full = measure(0, 2600)
    later = measure(2601, 4000)
    assert later["Nodes"] <= full["Nodes"] + 20
    assert later["JSHeapUsedSize"] < full["JSHeapUsedSize"] + 500_000


def test_streams_do_not_fill_the_memory(page: Any, daemon: ScriptedDaemon) -> None:
    daemon.send(emotion(0, "calm"))
    daemon.send(*[emotion(0, "happy", stream=f"guest {number}") for number in range(200)])
    daemon.send(emotion(1, "sad"))
    expect(page.locator("#now-word")).to_have_text("sad")
    expect(page.locator("#stream-list label")).to_have_count(48)
