"""Measures the web page in a browser: first paint, frames, and memory over a day."""

from __future__ import annotations

import dataclasses
import statistics
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.support.browser import headless_browser
from benchmarks.support.daemon import running_daemon
from benchmarks.support.harness import Section
from benchmarks.support.page_server import PageServer, page_server, speech
from emotiond.inference.card import LABELS
from emotiond.streamer.protocol.events import Emotion

_EVENTS_PER_HOUR = 4 * 3600
_BATCH_EVENTS = 1000
_FIRST_PAINT = "() => performance.getEntriesByType('paint')[0].startTime"
_INTERVALS = """(count) => new Promise((resolve) => {
  const times = [];
  const note = (time) => {
    times.push(time);
    if (times.length <= count) requestAnimationFrame(note);
    else resolve(times.slice(1).map((each, index) => each - times[index]));
  };
  requestAnimationFrame(note);
})"""


def measure(quick: bool) -> Section:
    """Measure each in a new browser without a display, which draws without a GPU."""
    rows: list[Sequence[str]] = []
    with headless_browser() as browser:
        rows += _first_paint(browser, 3 if quick else 15)
        rows += _frames(browser, 120 if quick else 900)
        rows += _memory(browser, 3 if quick else 24)
    return Section(
        title="The web page",
        header=["what", "median", "90 %", "99 %"],
        rows=rows,
        note="*First paint*: with an empty cache, from a daemon over loopback. It shows the head "
        "and the current emotion; the panels follow with the next frame. *Of one line of text*: a "
        "page of one line, the share of the browser itself. *Frame*: the time between frames "
        "with ten minutes of timeline in view and four events a second; 60 frames a second are "
        "16.7 ms. *Main thread*: the work of the page in each frame. *Heap*: after a garbage "
        "collection, when this many hours of events have come as fast as the page reads them.",
    )


def _event(index: int) -> Emotion:
    """Return an event; labels change every three seconds, levels with every event."""
    share = 0.4 + 0.4 * ((7 * index) % 10) / 10
    level = -20.0 - (37 * index) % 25
    return speech(index, LABELS[(index // 13) % 8], share, level)


def _first_paint(browser: Any, repeats: int) -> Sequence[Sequence[str]]:
    found: dict[str, list[float]] = {"first paint, ms": [], "of one line of text, ms": []}
    with running_daemon("--source", "demo", "--model", "lite") as daemon:
        for _ in range(repeats):
            for values, path in zip(found.values(), ("", "no-such-page"), strict=True):
                context = browser.new_context(viewport={"width": 1440, "height": 900})
                page = context.new_page()
                page.goto(daemon.page_url + path)
                page.wait_for_function("() => performance.getEntriesByType('paint').length > 1")
                values.append(page.evaluate(_FIRST_PAINT))
                context.close()
    return [_row(name, values) for name, values in found.items()]


def _frames(browser: Any, count: int) -> Sequence[Sequence[str]]:
    with page_server() as server:
        page = _page(browser, server)
        for begin in range(0, 2400, _BATCH_EVENTS):
            server.send([*map(_event, range(begin, min(begin + _BATCH_EVENTS, 2400)))])
        page.wait_for_function("() => document.title.includes('mic')")
        while page.locator("#zoom-out").is_enabled():
            page.evaluate("() => document.querySelector('#zoom-out').click()")
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        over = threading.Event()
        feeding = threading.Thread(target=_feed, args=(server, over))
        feeding.start()
        try:
            before = _metrics(session)
            intervals = page.evaluate(_INTERVALS, count)
            after = _metrics(session)
        finally:
            over.set()
            feeding.join()
        page.context.close()
    busy_ms = 1000 * (after["TaskDuration"] - before["TaskDuration"]) / count
    return [
        _row("frame, ms", intervals),
        ["main thread, ms a frame", f"{busy_ms:.1f}", "", ""],
    ]


def _feed(server: PageServer, over: threading.Event) -> None:
    index = 2400
    while not over.wait(0.25):
        server.send([_event(index)])
        index += 1


def _memory(browser: Any, hours: int) -> Sequence[Sequence[str]]:
    rows = []
    with page_server() as server:
        page = _page(browser, server)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        sent = 0
        for hour in range(1, hours + 1):
            while sent < hour * _EVENTS_PER_HOUR:
                server.send([*map(_event, range(sent, sent + _BATCH_EVENTS))])
                sent += _BATCH_EVENTS
                # Wait until the page has read what the sockets hold.
                server.send([dataclasses.replace(_event(sent), state="silence", label=None)])
                page.wait_for_function(
                    "() => document.querySelector('#now').dataset.kind === 'silence'"
                )
                server.send([_event(sent + 1)])
                page.wait_for_function(
                    "() => document.querySelector('#now').dataset.kind === 'speech'"
                )
                sent += 2
            if hour in (1, 2, 6, 12, hours):
                session.send("HeapProfiler.collectGarbage")
                found = _metrics(session)
                heap = f"{found['JSHeapUsedSize'] / 2**20:.2f}"
                rows.append(
                    [f"heap after {hour} h, MiB ({found['Nodes']:.0f} nodes)", heap, "", ""]
                )
        page.context.close()
    return rows


def _page(browser: Any, server: PageServer) -> Any:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(server.url)
    server.wait_for_page()
    return page


def _metrics(session: Any) -> Mapping[str, float]:
    found = session.send("Performance.getMetrics")["metrics"]
    return {metric["name"]: metric["value"] for metric in found}


def _row(name: str, values: Sequence[float]) -> list[str]:
    p90, p99 = np.percentile(values, [90, 99])
    return [name, f"{statistics.median(values):.1f}", f"{p90:.1f}", f"{p99:.1f}"]
