"""The page in a browser: opened from disk, without a request, with names that are only text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import soundfile

from emotiond.streamer.cli import main
from emotiond.streamer.report.bundle import join_modules
from tests.support.chromium import PATIENCE_MS, SIZES
from tests.support.report import EPOCH, emotion, result, spoken, write_lines

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

NASTY = "</script><img src=x onerror=alert(1)>.wav"
OPEN = "() => !document.body.classList.contains('opening')"
OpenReport = Callable[..., Any]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings with named speakers and one of nobody, all with odd names among them."""
    folder = tmp_path_factory.mktemp("study")
    labels = ("happy", "sad", None, "happy", "angry")
    lines = [
        result("day 1/a.wav", spoken(*labels), start=0.0, end=10.0, speaker="Anna"),
        result("day 1/a.wav", spoken("calm", first=48), start=12.0, end=14.0, speaker="<b>B</b>"),
        result("day 2/b.wav", spoken("sad", "sad"), start=0.0, end=4.0, speaker="Anna"),
        result(NASTY, spoken("fearful")),
    ]
    return made(folder, write_lines(folder / "results.jsonl", *lines))


def made(folder: Path, lines: Path, *flags: str) -> Path:
    output = folder / "report.html"
    assert main(["report", str(lines), "--output", str(output), *flags]) == 0
    return output


@pytest.fixture
def open_report(chromium: Any) -> Iterator[OpenReport]:
    """Opens a report. Afterwards nothing may have gone wrong, or left the file."""
    problems: list[str] = []
    contexts = []

    def open_one(path: Path, size: str = "large", theme: str = "light") -> Any:
        width, height = SIZES[size]
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(f"uncaught: {error}"))
        page.on("console", lambda line: problems.append(f"{line.type}: {line.text}"))
        page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: note_request(request.url))
        page.goto(path.as_uri())
        page.wait_for_function(OPEN)
        return page

    def note_request(url: str) -> None:
        if not url.endswith("/report.html") and not url.startswith("blob:"):
            problems.append(f"requested: {url}")

    yield open_one
    for context in contexts:
        context.close()
    assert problems == []


MEASURES = """
import { EventBuffer } from "../../../clients/web/state/event-buffer.js";
import { LABELS, SOURCE_STATUSES, STATES } from "../../../clients/web/state/events.js";
import { RunningSums } from "./running-sums.js";
const random = (() => {
  let state = 7;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
})();
const one = (list) => list[Math.floor(random() * list.length)];
const events = new EventBuffer(0.25, 400);
let [end, dropped] = [0, 0];
for (let seq = 0; seq < 1000; seq += 1) {
  end += random() < 0.02 ? 5 * random() : 0.25;
  dropped += random() < 0.01 ? 100 : 0;
  const label = random() < 0.5 ? one(LABELS) : null;
  events.add({
    seq, start: end - 2, end, time: end, state: label === null ? one(STATES) : "speech", label,
    confidence: 0.5, scores: null, raw: null, speech_ratio: random(),
    level_dbfs: -60 * random(), age_ms: null, dropped_samples: dropped,
  }, end, random() < 0.02 ? "stalled" : "running");
}
const sums = new RunningSums(events);
const round = (value) => (typeof value === "number" ? Math.round(value * 1e6) / 1e6 + 0 : value);
window.differences = Array.from({ length: 2000 }, (_, index) => {
  const begin = random() * (end + 2) - 1;
  const until = begin + (index % 2 === 0 ? 2 * random() : end * random());
  const texts = [events.measure(begin, until), sums.between(begin, until)]
    .map((found) => JSON.stringify(found, (_, value) => round(value)));
  return texts[0] === texts[1] ? "" : texts.join(" ");
}).filter((text) => text !== "");
"""


def test_running_sums_are_those_of_the_events_one_by_one(chromium: Any) -> None:
    root = resources.files("emotiond")
    folder = "streamer/report/page/"

    def text_of(path: str) -> str:
        test = path == f"{folder}test.js"
        return MEASURES if test else root.joinpath(path).read_text("utf-8")

    page = chromium.new_page()
    page.evaluate(f"() => {{{join_modules(f'{folder}test.js', text_of)}}}")
    assert page.evaluate("differences") == []
    page.close()


@pytest.mark.parametrize(("size", "theme"), [("large", "light"), ("phone", "dark")])
def test_it_is_for_everybody(
    open_report: OpenReport, study: Path, violations: Any, size: str, theme: str
) -> None:
    page = open_report(study, size, theme)
    expect(page.locator("#shares .bar-value").first).not_to_be_empty()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == SIZES[size][0]


def test_it_sums_up_what_was_said(open_report: OpenReport, study: Path) -> None:
    page = open_report(study)
    expect(page.locator("#summary")).to_contain_text("3 recordings · 2 speakers · 18.0 s")
    shares = page.locator("#shares [data-label=sad]")
    expect(shares).to_contain_text("33")  # 6 of 18 s
    expect(shares).to_contain_text("6.0 s")
    table = page.locator("#transitions")
    expect(table.locator("[title^='happy to sad: 1 of 2']")).to_have_text("1")
    expect(table.locator("[title^='sad to happy: 1 of 1']")).to_have_text("1")
    # Nothing follows from one recording to the next.
    expect(table.locator("[title^='sad to fearful: 0 of 1']")).to_have_text("·")
    expect(page.locator("#speakers tbody tr")).to_have_count(3)
    expect(page.locator("#speakers tbody tr").first).to_contain_text("Anna")


def test_names_are_only_text(open_report: OpenReport, study: Path) -> None:
    page = open_report(study)
    for row in ("img src=x onerror=alert(1)", "<b>B</b>"):
        page.locator("#tracks tr", has_text=row).click()
    expect(page.locator("#timeline-detail")).to_contain_text("<b>B</b>")
    assert page.evaluate("document.querySelectorAll('img, main b').length") == 0


def test_it_finds_names_speakers_and_labels(open_report: OpenReport, study: Path) -> None:
    page = open_report(study)
    rows = page.locator("#tracks tbody tr")
    expect(rows).to_have_count(4)
    page.get_by_role("button", name="angry").click()
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Show all").click()
    page.get_by_label("Speaker", exact=True).select_option("Anna")
    expect(rows).to_have_count(2)
    page.get_by_label("Name").fill("B.WAV")
    expect(rows).to_have_count(1)
    expect(page.locator("#timeline-name")).to_have_text("b.wav")
    page.get_by_label("Name").fill("nobody")
    expect(page.locator("#tracks-none")).to_be_visible()
    expect(page.locator("#timeline-name")).to_have_text("b.wav")


def test_where_nobody_is_named_no_speaker_is_looked_for(
    open_report: OpenReport, study: Path, tmp_path: Path
) -> None:
    """Recordings of one name in several folders are not one speaker."""
    expect(open_report(study).get_by_label("Speaker", exact=True)).to_be_visible()
    lines = [result(f"day {day}/a.wav", spoken("happy")) for day in (1, 2)]
    page = open_report(made(tmp_path, write_lines(tmp_path / "results.jsonl", *lines)))
    expect(page.get_by_label("Name")).to_be_visible()
    expect(page.get_by_label("Speaker", exact=True)).to_be_hidden()
    page.get_by_label("Name").fill("day 2")
    expect(page.locator("#tracks tbody tr")).to_have_count(1)


def test_keys_go_through_recordings_and_read_the_timeline(
    open_report: OpenReport, study: Path
) -> None:
    page = open_report(study)
    page.get_by_role("button", name="Next recording").press("Enter")
    expect(page.locator("#timeline-detail")).to_contain_text("<b>B</b>")
    page.get_by_role("button", name="Previous recording").press("Enter")
    timeline = page.locator("#timeline")
    timeline.press("Home")
    expect(timeline).to_have_attribute("aria-valuetext", re.compile("^0:00, happy 81"))
    timeline.press("End")
    expect(timeline).to_have_attribute("aria-valuetext", re.compile("^0:10, angry 81"))


def test_the_sums_follow_the_zoom(open_report: OpenReport, tmp_path: Path) -> None:
    labels = [label for _ in range(60) for label in ("happy", "sad")]
    session = write_lines(tmp_path / "mic.jsonl", *spoken(*labels, each=8))
    page = open_report(made(tmp_path, session))
    expect(page.locator("#zoom-span")).to_have_text("4 min")
    expect(page.locator("#minimap")).to_be_hidden()
    page.get_by_label("what the timeline shows").check()
    for _ in range(4):
        page.get_by_role("button", name="Show less time").click()
    expect(page.locator("#zoom-span")).to_have_text("15 s")
    expect(page.locator("#minimap")).to_be_visible()
    expect(page.locator("#shares [data-label=happy] .share-seconds")).to_have_text(
        re.compile(r"^[678]\.\d s")
    )
    page.get_by_label("the recording on the timeline").check()
    expect(page.locator("#shares [data-label=happy]")).to_contain_text("2 min")


def test_the_sound_plays_where_the_timeline_stands(open_report: OpenReport, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "mic.wav", [0.0] * 16_000 * 4, 16_000)
    piece = {"type": "recording", "stream": "mic", "file_seconds": 0.0, "stream_seconds": 0.0}
    piece["time"] = EPOCH
    lines = [piece, *(emotion(index) for index in range(16))]
    page = open_report(made(tmp_path, write_lines(tmp_path / "mic.jsonl", *lines), "--sound"))
    page.locator("#timeline").press("End")
    page.locator("#timeline").press("Enter")
    expect(page.locator("#player-time")).to_have_text(re.compile(r"0:0[34] / 0:04"))
    expect(page.locator("#player-note")).to_be_empty()
    expect(page.locator("#player-play")).to_be_enabled()
