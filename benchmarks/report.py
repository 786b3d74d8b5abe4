"""Measures the report of ten hours: its size, how soon it shows, and how it moves."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.support.browser import headless_browser
from benchmarks.support.conversation import conversation
from benchmarks.support.harness import Section
from emotiond.streamer.report.command import report

_EVENTS = 144_000  # ten hours
_SIZE = {"width": 1440, "height": 900}
_OPENED = """() => !document.body.classList.contains('opening')
  && document.querySelector('#shares .bar-value').textContent !== ''"""
# A frame lasts from one call to the next; each moves the view as a hand would, all the time.
_FRAMES = """([count, kind]) => new Promise((resolve) => {
  const frame = document.querySelector('#timeline');
  const { left, top, width, height } = frame.getBoundingClientRect();
  const place = { clientX: left + width * 0.6, clientY: top + height / 2 };
  const times = [];
  const step = (time) => {
    times.push(time);
    const turn = Math.floor(times.length / 60) % 2 === 0 ? 1 : -1;
    const moved = kind === 'zoom' ? { ctrlKey: true, deltaY: -60 * turn } : { deltaX: 40 * turn };
    const how = { ...place, ...moved, bubbles: true, cancelable: true };
    frame.dispatchEvent(new WheelEvent('wheel', how));
    if (times.length <= count) requestAnimationFrame(step);
    else resolve(times.slice(1).map((each, index) => each - times[index]));
  };
  requestAnimationFrame(step);
})"""
# Clicks, and says what span is shown two frames later.
_STEP = """(button) => new Promise((resolve) => {
  document.querySelector(button).click();
  const said = () => resolve(document.querySelector('#zoom-span').textContent);
  requestAnimationFrame(() => requestAnimationFrame(said));
})"""
_MOST_STEPS = 20


def measure(quick: bool) -> Section:
    """Measure with the sound of scores that change at every stride, in a browser without a GPU."""
    rows: list[Sequence[str]] = []
    with tempfile.TemporaryDirectory() as folder, headless_browser() as browser:
        session, page = Path(folder) / "session.jsonl", Path(folder) / "report.html"
        with session.open("w", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(event)}\n" for event in conversation(_EVENTS))
        begin = time.perf_counter()
        report({"files": [session], "output": page, "overwrite": False, "sound": False})
        rows.append(["made in, s", f"{time.perf_counter() - begin:.1f}", "", ""])
        rows.append(["session, MB", f"{session.stat().st_size / 1e6:.1f}", "", ""])
        rows.append(["report, MB", f"{page.stat().st_size / 1e6:.2f}", "", ""])
        rows.append(_row("open, ms", [_open(browser, page) for _ in range(2 if quick else 9)]))
        rows += _frames(browser, page, 120 if quick else 600)
    return Section(
        title="The report of ten hours",
        header=["what", "median", "95 %", "largest"],
        rows=rows,
        note=f"{_EVENTS:,} events. *Open*: from the request for the file to all panels filled, "
        "with a new browser context each time. *Frame*: the time between two frames while the view "
        "moves in every one; 60 frames a second are 16.7 ms. *Zoom* goes to ten "
        "seconds and back, around a point, from ten hours or from five minutes; *pan* moves 40 "
        "pixels a frame.",
    )


def _open(browser: Any, page_path: Path) -> float:
    context = browser.new_context(viewport=_SIZE)
    page = context.new_page()
    begin = time.perf_counter()
    page.goto(page_path.as_uri())
    page.wait_for_function(_OPENED)
    taken = 1000 * (time.perf_counter() - begin)
    context.close()
    return taken


def _frames(browser: Any, page_path: Path, count: int) -> Sequence[Sequence[str]]:
    rows = []
    context = browser.new_context(viewport=_SIZE)
    page = context.new_page()
    page.goto(page_path.as_uri())
    page.wait_for_function(_OPENED)
    for kind, span in (("zoom", "10 h"), ("zoom", "5 min"), ("pan", "4 h"), ("pan", "10 min")):
        _zoom_to(page, span)
        rows.append(_row(f"frame, {kind} at {span}, ms", page.evaluate(_FRAMES, [count, kind])))
    context.close()
    return rows


def _zoom_to(page: Any, span: str) -> None:
    """Show the whole, then step by step less of it."""
    for _ in range(_MOST_STEPS):
        page.evaluate(_STEP, "#zoom-out")
    shown = page.evaluate(_STEP, "#zoom-out")
    while shown != span:
        shown = page.evaluate(_STEP, "#zoom-in")


def _row(name: str, values: Sequence[float]) -> list[str]:
    median, high = np.percentile(values, [50, 95])
    return [name, f"{median:.1f}", f"{high:.1f}", f"{max(values):.1f}"]
