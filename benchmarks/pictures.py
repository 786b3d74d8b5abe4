"""Takes the pictures of page and report in ``docs/images``: ``make pictures``, two minutes."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from pathlib import Path
from typing import Any

import soundfile
from PIL import Image

from benchmarks.support.browser import headless_browser
from benchmarks.support.daemon import running_daemon
from benchmarks.support.demo import DEMO, demo
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.cli import main as cli

_IMAGES = Path(__file__).parents[1] / "docs" / "images"
_SIZE = {"width": 1440, "height": 900}
_PATIENCE_MS = 120_000
_MOST_COLOURS = 256  # all that the page has; the files are a third as large


def main() -> None:
    """Take a picture of each theme: during speech, and of a file that is played."""
    with tempfile.TemporaryDirectory() as data, headless_browser() as browser:
        environment = {**os.environ, "XDG_DATA_HOME": data}
        with running_daemon("--source", "demo", environment=environment) as daemon:
            for theme, scene in (("light", _speech), ("dark", _file)):
                page = browser.new_context(viewport=_SIZE, color_scheme=theme).new_page()
                page.set_default_timeout(_PATIENCE_MS)
                page.goto(daemon.page_url)
                scene(page, Path(data))
                _take(page, _IMAGES / f"page-{theme}.png")
                page.context.close()
        _report(browser, Path(data))


def _report(browser: Any, folder: Path) -> None:
    """Take a picture of the demo's report."""
    results, output = folder / "results.jsonl", folder / "report.html"
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        cli(["analyze", str(DEMO), "--format", "json"])
    results.write_text(printed.getvalue().replace(str(DEMO), "interview.flac", 1))
    cli(["report", str(results), "--output", str(output)])
    page = browser.new_context(viewport=_SIZE, color_scheme="light").new_page()
    page.goto(output.as_uri())
    page.locator("#shares .is-label").wait_for()
    _take(page, _IMAGES / "report.png", whole=True)
    page.context.close()


def _speech(page: Any, _: Path) -> None:
    """Wait until a minute of the demo fills the timeline, and someone is happy again."""
    page.wait_for_function(
        """() => {
          const timeline = document.getElementById("timeline");
          timeline.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
          return Number(timeline.getAttribute("aria-valuenow")) > 62;
        }"""
    )
    _until_label(page, "happy")


def _file(page: Any, folder: Path) -> None:
    """Drop three files, and play the one that holds several emotions."""
    for name, begin, end in (("call.flac", 10.5, 17.5), ("interview.flac", 17.0, 28.0)):
        soundfile.write(
            folder / name, demo()[int(begin * SAMPLE_RATE) : int(end * SAMPLE_RATE)], SAMPLE_RATE
        )
    files = [folder / "call.flac", folder / "interview.flac", DEMO]
    page.get_by_role("button", name="Files").click()
    page.locator("#file-input").set_input_files(files)
    page.locator("#analysed li").nth(len(files) - 1).wait_for()
    page.locator("#player-play").click()
    _until_label(page, "angry")


def _until_label(page: Any, label: str) -> None:
    """Wait until the page is sure of a label, and its colours have come."""
    page.locator(f"#now[data-label={label}]").wait_for()
    page.wait_for_timeout(900)


def _take(page: Any, path: Path, *, whole: bool = False) -> None:
    page.screenshot(path=path, full_page=whole)
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(_MOST_COLOURS).save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
