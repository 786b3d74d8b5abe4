"""Recorded sessions stand in one list with analysed files: searched, opened, deleted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.clients.web.conftest import RealDaemon, real_environment
from tests.clients.web.daemon.test_past import piece
from tests.clients.web.files.test_deletion import kept
from tests.clients.web.scripted import (
    CLIENT_STREAMS,
    EPOCH,
    Message,
    Received,
    ScriptedDaemon,
    emotion,
    hello,
)
from tests.conftest import DATA
from tests.support.daemon import running_daemon
from tests.support.recorded import record

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system


def recorded(name: str, number: int, **fields: object) -> Message:
    """A session in the list of the daemon."""
    session: Message = {
        "id": f"{number:032x}", "name": name, "stream": "mic", "part": 1, "time": EPOCH + number,
        "begin": 100.0, "duration": 4.0, "bytes": 33_600_000, "recording": False,
    }  # fmt: skip
    return session | fields


def sessions(*listed: Message, **fields: object) -> Message:
    size = sum(each["bytes"] for each in listed)
    about: Message = {"type": "sessions", "count": len(listed), "bytes": size, "sessions": listed}
    return about | fields


def part_of(session: Message, labels: str, first: int = 0, **fields: object) -> Message:
    """A piece of a session, with an event for each of some labels."""
    stride = 0.25
    events = [
        emotion(first + index, label, end=session["begin"] + (first + index + 1) * stride)
        for index, label in enumerate(labels.split())
    ]
    columns = piece(*events)["events"]
    about: Message = {
        "type": "session", "id": session["id"], "after": 0, "next": None, "demo": False,
        "events": columns,
    }  # fmt: skip
    return about | fields


TALK = recorded("talk", 1)
NOW = recorded("kitchen", 3, recording=True, bytes=1_200_000)
FILE = kept(2, "holiday.mp4") | {"bytes": 41_200}
GREETING = hello(client_streams=CLIENT_STREAMS, sessions=True)


@pytest.fixture
def daemon(start_daemon: Any) -> ScriptedDaemon:
    daemon: ScriptedDaemon = start_daemon(GREETING)
    return daemon


@pytest.fixture
def asked(page: Any, daemon: ScriptedDaemon) -> Received:
    """The page lists a file and two sessions, of which one is being recorded."""
    listing, history = daemon.receive("sessions"), daemon.receive("history")
    history.answer({"type": "history", "files": [FILE]})
    listing.answer(sessions(NOW, TALK))
    page.get_by_role("button", name="Files").click()
    daemon.receive("sessions").answer(sessions(NOW, TALK))
    expect(page.locator("#analysed li")).to_have_count(3)
    return listing


def row(page: Any, name: str) -> Any:
    return page.locator("#analysed li", has_text=name)


def open_session(page: Any, name: str) -> None:
    row(page, name).locator(".file-select").click()


def test_files_and_sessions_are_one_list_with_their_storage(
    page: Any, asked: Received, violations: Any
) -> None:
    names = page.locator("#analysed .file-name")
    expect(names).to_have_text(["kitchen", "holiday.mp4", "talk"])
    expect(page.get_by_role("heading", name="Analysed and recorded")).to_be_visible()
    expect(page.locator("#analysed .file-size")).to_have_text(
        ["1.2\u202fMB", "41\u202fkB", "33.6\u202fMB"]
    )
    expect(page.locator("#analysed-total")).to_have_text("3 entries · 34.8\u202fMB")
    expect(row(page, "kitchen")).to_contain_text("being recorded")
    expect(row(page, "talk")).to_contain_text("4 s · ")
    assert violations(page) == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("TALK", ["talk"]),
        ("sad", ["holiday.mp4"]),
        ("recording", ["kitchen", "talk"]),
        ("record kitch", ["kitchen"]),
        ("2026", ["kitchen", "holiday.mp4", "talk"]),
        ("nothing of this", []),
        ("(", []),
    ],
)
def test_a_search_finds_by_name_emotion_kind_and_day(
    page: Any, asked: Received, wanted: str, found: list[str]
) -> None:
    page.get_by_role("searchbox").fill(wanted)
    expect(page.locator("#analysed .file-name")).to_have_text(found)
    total = page.locator("#analysed-total")
    expect(total).to_contain_text(f"{len(found)} of 3" if found else "Nothing found")
    page.get_by_role("searchbox").press("Escape")
    expect(page.locator("#analysed li")).to_have_count(3)
    expect(page.locator("#files")).to_be_visible()


def test_a_session_opens_like_a_file(page: Any, daemon: ScriptedDaemon, asked: Received) -> None:
    open_session(page, "talk")
    assert daemon.receive("session").message == {"type": "session", "id": TALK["id"]}
    asked.answer(part_of(TALK, "sad " * 8, next=800))
    expect(page.locator("#now-word")).to_have_text("reading")
    expect(page.locator("#now-detail")).to_have_text("50\u202f% of 4 s")
    assert daemon.receive("session").message["after"] == 800
    asked.answer(part_of(TALK, "happy " * 8, first=8, after=800))
    expect(page.locator("#now-word")).to_have_text("mixed")
    expect(page.locator("#now-detail")).to_contain_text("happy\u00a050\u202f%")
    expect(page.locator("#scores-title")).to_have_text("Shares of the whole recording’s time")
    expect(page.locator("#player-note")).to_have_text("the sound stays with the daemon")
    expect(page.locator("#player-time")).to_have_text("0:00 / 0:04")
    expect(page.locator("#player-play")).to_be_hidden()
    expect(page.get_by_role("radio", name="talk")).to_be_checked()
    expect(row(page, "talk").locator(".file-select")).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("heading", name="Recording talk")).to_be_attached()
    timeline = page.locator("#timeline")
    timeline.focus()
    page.keyboard.press("Home")
    expect(timeline).to_have_attribute("aria-valuenow", "0.25")
    expect(page.locator("#readout")).to_contain_text(re.compile(r"\d\d:\d\d:\d\d"))
    page.keyboard.press("End")
    expect(timeline).to_have_attribute("aria-valuenow", "4.00")
    # Once read, it is at hand.
    page.locator("#stream-list label").first.click()
    expect(page.locator("#player")).to_be_hidden()
    open_session(page, "talk")
    expect(page.locator("#now-word")).to_have_text("mixed")


def test_the_session_that_is_being_recorded_is_listed_anew_and_read_as_it_is(
    page: Any, daemon: ScriptedDaemon, asked: Received
) -> None:
    expect(row(page, "kitchen").get_by_role("button")).to_have_count(1)  # it cannot be deleted
    open_session(page, "kitchen")
    daemon.receive("sessions").answer(sessions(NOW | {"duration": 2.0}, TALK))
    daemon.receive("session").answer(part_of(NOW, "calm " * 9))
    expect(page.locator("#now-word")).to_have_text("calm")
    expect(page.locator("#player-time")).to_have_text("0:00 / 0:02")


def test_choosing_another_leaves_the_first_one_alone(
    page: Any, daemon: ScriptedDaemon, asked: Received
) -> None:
    open_session(page, "talk")
    daemon.receive("session")
    open_session(page, "holiday.mp4")
    daemon.receive("recall")
    events = [emotion(index, "sad", stream="client-1") for index in range(8)]
    asked.answer({**FILE, "type": "recalled", "first": 0, "total": 8, "events": events})
    expect(page.get_by_role("radio", name="holiday.mp4")).to_be_checked()
    asked.answer(part_of(recorded("old", 9), "angry angry"))  # of another one: not shown
    expect(page.get_by_role("radio", name="holiday.mp4")).to_be_checked()


def test_a_session_is_deleted_at_the_second_press_and_stays_until_it_is_gone(
    page: Any, daemon: ScriptedDaemon, asked: Received, violations: Any
) -> None:
    open_session(page, "talk")
    daemon.receive("session").answer(part_of(TALK, "sad sad"))
    expect(page.locator("#player")).to_be_visible()
    page.get_by_role("button", name="Delete talk").focus()
    page.keyboard.press("Enter")
    asking = page.get_by_role("button", name="Delete? talk")
    expect(asking).to_be_focused()
    page.keyboard.press("Escape")
    expect(asking).to_have_count(0)
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert daemon.receive("delete-sessions").message["ids"] == [TALK["id"]]
    expect(row(page, "talk")).to_have_attribute("aria-busy", "true")
    expect(row(page, "talk")).to_contain_text("deleting…")
    assert violations(page) == []
    asked.answer(sessions(NOW))
    expect(row(page, "talk")).to_have_count(0)
    expect(page.locator("#player")).to_be_hidden()
    assert page.evaluate("document.activeElement.closest('#files') !== null")


def test_a_refused_deletion_leaves_the_row_and_says_why(
    page: Any, daemon: ScriptedDaemon, asked: Received
) -> None:
    page.get_by_role("button", name="Delete talk").click()
    page.get_by_role("button", name="Delete? talk").click()
    daemon.receive("delete-sessions").answer(
        sessions(NOW, TALK),
        {"type": "error", "error": "session-failed", "about": "delete-sessions",
         "detail": "talk is being recorded. Delete it when it is complete."},
    )  # fmt: skip
    expect(page.locator("#notice-text")).to_contain_text("talk is being recorded")
    expect(row(page, "talk")).not_to_have_attribute("aria-busy", "true")


def test_a_lost_link_stops_the_reading_and_says_so(
    page: Any, daemon: ScriptedDaemon, asked: Received
) -> None:
    open_session(page, "talk")
    daemon.receive("session").answer(part_of(TALK, "sad " * 8, next=800))
    daemon.receive("session").hang_up()
    expect(page.locator("#now-word")).to_have_text("stopped")
    expect(page.locator("#now-detail")).to_contain_text("The connection was lost.")
    daemon.receive("sessions").answer(sessions(TALK))
    open_session(page, "talk")
    assert "after" not in daemon.receive("session").message


def test_more_sessions_than_the_list_holds_are_counted(
    page: Any, daemon: ScriptedDaemon, asked: Received
) -> None:
    asked.answer(sessions(NOW, TALK, count=1000, bytes=9_000_000_000))
    expect(page.locator("#analysed-total")).to_have_text(
        "1001 entries · 9.0\u202fGB · the newest are listed"
    )


def test_a_daemon_that_takes_no_files_shows_its_sessions(open_page: Any, start_daemon: Any) -> None:
    daemon = start_daemon(hello(client_streams={**CLIENT_STREAMS, "max": 0}, sessions=True))
    page = open_page(daemon, "phone")
    daemon.receive("sessions").answer(sessions(TALK))
    page.get_by_role("button", name="Files").click()
    expect(row(page, "talk")).to_be_visible()
    expect(page.get_by_role("button", name="Choose files…")).to_be_hidden()


def test_hostile_names_are_shown_as_text(page: Any, asked: Received) -> None:
    asked.answer(sessions(TALK | {"name": "<img src=x onerror=alert(1)>\u202e\n"}))
    expect(row(page, "<img src=x onerror=alert(1)>")).to_be_visible()


def test_a_real_session_is_read_to_its_end_and_deleted_on_all_pages(
    open_page: Any, tmp_path: Path
) -> None:
    labels = ("sad",) * 1000 + ("happy",) * 600
    record(tmp_path / "study.wav", labels, begin=3600.0)
    flags = ("--source", "demo", "--model", str(DATA / "tiny.tflite"))
    flags += ("--record", str(tmp_path / "now.wav"))
    with running_daemon(*flags, environment=real_environment(tmp_path / "data")) as daemon:
        page = open_page(RealDaemon(daemon))
        page.get_by_role("button", name="Files").click()
        open_session(page, "study")
        expect(page.locator("#now-word")).to_have_text("mixed", timeout=120_000)
        expect(page.locator("#now-detail")).to_have_text(
            "sad\u00a063\u202f%, happy\u00a038\u202f% of 6 min 40 s"
        )
        other = open_page(RealDaemon(daemon))
        other.get_by_role("button", name="Files").click()
        expect(row(other, "study")).to_be_visible()
        page.get_by_role("button", name="Delete study").click()
        page.get_by_role("button", name="Delete? study").click()
        for each in (page, other):
            expect(row(each, "study")).to_have_count(0)
        assert not (tmp_path / "study.wav").exists()
        assert (tmp_path / "now.wav").exists()
