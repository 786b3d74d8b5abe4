"""A page that goes while a file is under way: it asks first, and the file can be taken up again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.clients.web.conftest import RealDaemon, real_environment
from tests.clients.web.files.test_drop import analysed, choose, opened
from tests.conftest import DATA
from tests.support.daemon import running_daemon
from tests.support.signals import RATE, demo

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

PATIENCE_MS = 60_000


@pytest.fixture
def slow_daemon(tmp_path: Path) -> Iterator[RealDaemon]:
    """Its model takes its time, so that a file is under way for long."""
    flags = ("--source", "demo", "--model", str(DATA / "slow.tflite"))
    with running_daemon(*flags, environment=real_environment(tmp_path)) as daemon:
        yield RealDaemon(daemon)


@pytest.fixture
def page(chromium: Any, slow_daemon: RealDaemon) -> Iterator[Any]:
    """A page of its own: others fail at any question of the browser."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(slow_daemon.url)
    expect(page.get_by_role("button", name="Files")).to_be_visible()
    yield page
    context.close()


def long_file(folder: Path) -> Path:
    path = folder / "lecture.wav"
    soundfile.write(path, np.resize(demo(), 120 * RATE), RATE, subtype="PCM_16")
    return path


def test_a_reload_asks_first(page: Any, tmp_path: Path) -> None:
    questions: list[str] = []

    def stay(dialog: Any) -> None:
        questions.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.get_by_role("button", name="Files").click()  # browsers ask only where one has been active
    choose(page, long_file(tmp_path))
    row = page.locator("#queue li", has_text="lecture.wav")
    expect(row.get_by_role("button", name="Cancel")).to_be_visible()
    with page.expect_event("dialog"):
        page.close(run_before_unload=True)
    expect(row).to_be_visible()
    assert questions == ["beforeunload"]
    row.get_by_role("button", name="Cancel").click()
    expect(row).to_have_count(0)
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    assert questions == ["beforeunload"]


def test_an_interrupted_file_is_offered_again(page: Any, tmp_path: Path) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    file = long_file(tmp_path)
    choose(page, file)
    expect(page.locator("#queue li", has_text="lecture.wav")).to_contain_text("%", timeout=30_000)
    page.reload()
    row = page.locator("#interrupted li", has_text="lecture.wav")
    expect(row).to_contain_text("Choose it again")
    page.reload()  # it is not forgotten by looking
    expect(row).to_be_visible()
    choose(page, file)
    expect(page.locator("#queue li", has_text="lecture.wav")).to_be_visible()
    expect(row).to_be_hidden()
    page.get_by_role("button", name="Cancel lecture.wav").click()
    page.reload()
    expect(page.locator("#link")).to_have_attribute("data-phase", "open")
    expect(row).to_be_hidden()


def test_what_the_daemon_has_finished_alone_is_not_offered(
    open_page: Any, real_daemon: RealDaemon, tmp_path: Path
) -> None:
    page = opened(open_page, real_daemon)
    path = tmp_path / "short.wav"
    soundfile.write(path, demo()[: 3 * RATE], RATE, subtype="PCM_16")
    choose(page, path)
    expect(analysed(page, "short.wav")).to_be_visible(timeout=PATIENCE_MS)
    page.evaluate(
        """() => sessionStorage.setItem("emotiond-unfinished /", JSON.stringify([
          { key: "k", name: "short.wav", since: Date.now() / 1000 - 60 },
          { key: "l", name: "other.wav", since: Date.now() / 1000 - 60 },
        ]))"""
    )
    page.reload()
    expect(page.locator("#interrupted li")).to_have_count(1, timeout=PATIENCE_MS)
    expect(page.locator("#interrupted li")).to_contain_text("other.wav")
    page.get_by_role("button", name="Put other.wav away").click()
    expect(page.locator("#interrupted li")).to_have_count(0)
    page.evaluate("sessionStorage.clear()")
