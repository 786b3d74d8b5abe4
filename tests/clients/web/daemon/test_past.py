"""A reload forgets nothing: the page fetches what the daemon keeps, and can erase it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.clients.web.conftest import RealDaemon, real_environment
from tests.clients.web.scripted import (
    EPOCH,
    LABELS,
    Message,
    ScriptedDaemon,
    emotion,
    hello,
)
from tests.conftest import DATA
from tests.support.daemon import running_daemon
from tests.support.signals import demo

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

PATIENCE_MS = 120_000  # a busy machine takes a minute for the minutes of sound


HOME = """(seconds) => {
  const timeline = document.getElementById("timeline");
  timeline.dispatchEvent(new KeyboardEvent("keydown", { key: "Home" }));
  return Number(timeline.getAttribute("aria-valuenow")) === seconds;
}"""


def expect_oldest(page: Any, seconds: float) -> None:
    """Wait until the timeline begins there, as the keyboard finds it."""
    page.wait_for_function(HOME, arg=seconds)
    page.locator("#timeline-pause").click()


def piece(*events: Message, hours: float = 2.0, more: bool = False, **fields: object) -> Message:
    """The answer of a daemon that keeps these events."""
    names = (
        "seq", "start", "end", "time", "state", "label", "speech_ratio", "level_dbfs", "age_ms",
        "dropped_samples",
    )  # fmt: skip
    columns: dict[str, Any] = {name: [event[name] for event in events] for name in names}
    for name in ("scores", "raw"):
        columns[name] = [
            event[name] and [event[name][label] for label in LABELS] for event in events
        ]
    message: Message = {
        "type": "past", "stream": "mic", "hours": hours, "before": None, "more": more,
        "demo": False, "events": columns,
    }  # fmt: skip
    return message | fields


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDaemon]:
    """A daemon that has listened for some minutes: a file, as fast as it goes, that has ended."""
    folder = tmp_path_factory.mktemp("spoken")
    soundfile.write(folder / "talk.wav", np.resize(demo(), 400 * 16_000), 16_000)
    flags = ("--source", f"talk={folder / 'talk.wav'}", "--source", "-", "--speed", "max", "--once")
    model = str(DATA / "tiny.tflite")
    environment = real_environment(folder)
    with running_daemon(*flags, "--model", model, environment=environment, stdin=-1) as daemon:
        yield RealDaemon(daemon)


def test_a_new_visitor_and_a_reload_show_the_past(open_page: Any, spoken: RealDaemon) -> None:
    page = open_page(spoken)
    for _ in range(2):
        expect(page.locator("#now-word")).to_have_text("ended", timeout=PATIENCE_MS)
        expect(page.locator("#forget")).to_be_visible()
        page.wait_for_function(
            """() => {
              const timeline = document.getElementById("timeline");
              timeline.dispatchEvent(new KeyboardEvent("keydown", { key: "Home" }));
              return Number(timeline.getAttribute("aria-valuenow")) < 1;
            }""",
            timeout=PATIENCE_MS,
        )
        page.reload()


def test_the_timeline_zooms_out_over_hours(open_page: Any, start_daemon: Any) -> None:
    daemon: ScriptedDaemon = start_daemon(hello(last=emotion(28_800, "sad")))
    page = open_page(daemon)
    asked = daemon.receive("past")
    assert asked.message == {"type": "past", "stream": "mic"}
    asked.answer(piece(*[emotion(28_700 + index, "happy") for index in range(100)], more=True))
    asked = daemon.receive("past")
    assert asked.message["before"] == 28_700
    asked.answer(piece(*[emotion(index, "happy") for index in range(0, 28_700, 2)]))
    span = page.locator("#zoom-span")
    for _ in range(6):
        page.locator("#zoom-out").click()
    expect(span).to_have_text("2 h")
    expect(page.locator("#zoom-out")).to_be_disabled()
    expect_oldest(page, 0.25)


def test_events_go_on_while_the_past_comes(open_page: Any, start_daemon: Any) -> None:
    daemon: ScriptedDaemon = start_daemon(hello(last=emotion(99, "sad")))
    page = open_page(daemon)
    asked = daemon.receive("past")
    daemon.send(emotion(100, "calm"), emotion(101, "angry"))
    expect(page.locator("#now-word")).to_have_text("angry")
    asked.answer(piece(*[emotion(index, "sad") for index in range(100)]))
    daemon.send(emotion(102, "angry", share=0.6))
    expect(page.locator("#now-detail")).to_contain_text("60\u202f% sure")
    page.locator("#timeline").focus()
    page.keyboard.press("Home")
    expect(page.locator("#timeline")).to_have_attribute("aria-valuenow", "0.25")
    for end in ("25.75", "25.50", "25.25", "25.00"):
        page.keyboard.press("End" if end == "25.75" else "ArrowLeft")
        expect(page.locator("#timeline")).to_have_attribute("aria-valuenow", end)


def test_a_page_that_was_there_from_the_start_keeps_as_much(
    open_page: Any, start_daemon: Any
) -> None:
    daemon: ScriptedDaemon = start_daemon(hello())
    page = open_page(daemon)
    daemon.send(emotion(0, "sad"))
    daemon.receive("past").answer(piece())
    for first in range(1, 3000, 500):  # more than ten minutes
        daemon.send(*[emotion(index, "happy") for index in range(first, first + 500)])
    daemon.send(emotion(3001, "calm"))
    expect(page.locator("#now-word")).to_have_text("calm", timeout=PATIENCE_MS)
    expect_oldest(page, 0.25)


def test_a_lost_connection_leaves_no_gap(open_page: Any, start_daemon: Any) -> None:
    first: ScriptedDaemon = start_daemon(hello(last=emotion(0, "sad")))
    page = open_page(first)
    first.receive("past").answer(piece(emotion(0, "sad")))
    first.send(*[emotion(index, "sad") for index in range(1, 8)])
    expect(page.locator("#now-detail")).to_contain_text("for at least 2 s")
    first.stop()
    expect(page.locator("#now-word")).to_have_text("reconnecting")
    second: ScriptedDaemon = start_daemon(hello(last=emotion(40, "sad")), first.port)
    second.receive("past").answer(piece(*[emotion(index, "sad") for index in range(41)]))
    expect(page.locator("#now-detail")).to_contain_text("for at least 10 s")


def test_forgetting_wants_a_second_click(open_page: Any, start_daemon: Any) -> None:
    daemon: ScriptedDaemon = start_daemon(hello(last=emotion(40, "sad")))
    page, other = open_page(daemon), open_page(daemon)
    for _ in (page, other):
        daemon.receive("past").answer(piece(*[emotion(index, "sad") for index in range(41)]))
    page.get_by_role("button", name="Forget").click()
    page.get_by_role("button", name="Forget for all?").click()
    erase = daemon.receive("erase")
    assert erase.message == {"type": "erase", "stream": "mic"}
    daemon.send({"type": "erased", "stream": "mic"})
    for index, each in enumerate((page, other), 41):
        daemon.send(emotion(index, "calm"))
        expect(each.locator("#now-word")).to_have_text("calm")
        expect_oldest(each, 10.25)


def test_a_daemon_that_keeps_nothing_has_no_button(open_page: Any, start_daemon: Any) -> None:
    daemon: ScriptedDaemon = start_daemon(hello(last=emotion(40, "sad")))
    page = open_page(daemon)
    daemon.receive("past").answer(piece(hours=0))
    daemon.send(emotion(41, "calm"))
    expect(page.locator("#now-word")).to_have_text("calm")
    expect(page.locator("#forget")).to_be_hidden()


def test_nonsense_in_the_past_is_left_out(open_page: Any, start_daemon: Any) -> None:
    daemon: ScriptedDaemon = start_daemon(hello(last=emotion(40, "sad")))
    page = open_page(daemon)
    odd = piece(emotion(38, "sad"), emotion(39, "sad"))
    odd["events"]["end"][0] = "soon"
    odd["events"]["scores"][1] = [1, 2]
    daemon.receive("past").answer(
        odd | {"stream": "elsewhere"}, {"type": "past"}, odd, {"type": "erased", "stream": 7}
    )
    daemon.send(emotion(41, "calm", time=EPOCH + 60))
    expect(page.locator("#now-word")).to_have_text("calm")
    expect_oldest(page, 10.0)
