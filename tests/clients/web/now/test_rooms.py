"""The streams of followed daemons on the page."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.web.scripted import (
    CLIENT_STREAMS,
    Message,
    ScriptedDaemon,
    emotion,
    hello,
    status,
)

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

LONG = "the very long room name with " + "w" * 30


def room(name: str, *streams: str, state: str = "connected", **more: object) -> Message:
    return {
        "name": name, "state": state, "since": time.time(), "detail": "", "stride_seconds": 0.25,
        "clock_seconds": 0.0, "streams": [f"{name}/{each}" for each in streams],
    } | more  # fmt: skip


def rooms(*each: Message) -> Message:
    return {"type": "rooms", "rooms": list(each)}


@pytest.fixture
def house(start_daemon: Callable[..., ScriptedDaemon]) -> ScriptedDaemon:
    return start_daemon(hello(name="desk", client_streams=CLIENT_STREAMS))


def test_the_page_asks_for_rooms_and_groups_their_streams(
    open_page: Any, house: ScriptedDaemon
) -> None:
    page = open_page(house)
    house.receive("rooms").answer(rooms(room("kitchen", "mic", "radio"), room("hall", "mic")))
    house.send(emotion(1, "calm"), emotion(1, "angry", stream="kitchen/mic"))
    kitchen = page.get_by_role("group", name="kitchen")
    expect(kitchen.locator("label")).to_have_text(["micangry", "radio"])
    expect(page.get_by_role("group", name="desk").locator("label")).to_have_text(["miccalm"])
    expect(page.locator("#now-word")).to_have_text("calm")
    kitchen.locator("label").first.click()
    expect(page.locator("#now-word")).to_have_text("angry")
    expect(page).to_have_title(re.compile("kitchen/mic"))
    assert page.url.endswith("#stream=kitchen%2Fmic")


def test_a_lost_room_says_since_when_and_why_and_comes_back(
    open_page: Any, house: ScriptedDaemon
) -> None:
    page = open_page(house)
    asked = house.receive("rooms")
    asked.answer(rooms(room("kitchen", "mic")), emotion(1, "angry", stream="kitchen/mic"))
    page.get_by_role("group", name="kitchen").locator("label").click()
    expect(page.locator("#now-word")).to_have_text("angry")
    lost = room("kitchen", "mic", state="unreachable", detail="no program listens there")
    asked.answer(rooms(lost))
    expect(page.locator("#now-word")).to_have_text("not reachable")
    expect(page.locator("#now-detail")).to_have_text(
        re.compile(r"^kitchen, since \d\d:\d\d\. No program listens there\.$")
    )
    expect(page.locator(".room-reach").last).to_have_text(re.compile(r"not reachable since \d\d:"))
    asked.answer(rooms(room("kitchen", "mic")), emotion(9, "sad", stream="kitchen/mic"))
    expect(page.locator("#now-word")).to_have_text("sad")


def test_a_room_that_was_never_reached_is_named_all_the_same(
    open_page: Any, house: ScriptedDaemon
) -> None:
    page = open_page(house)
    house.receive("rooms").answer(rooms(room("attic", state="unreachable")))
    expect(page.get_by_role("group", name="attic")).to_contain_text("not reachable since")


def test_only_what_is_this_daemons_can_be_muted_or_asked_for_its_past(
    open_page: Any, house: ScriptedDaemon
) -> None:
    page = open_page(house)
    asked = house.receive("rooms")
    asked.answer(
        rooms(room("kitchen", "mic")),
        status("running", stream="kitchen/mic", device="USB"),
        emotion(1, "angry", stream="kitchen/mic"),
    )
    house.receive("past")
    page.get_by_role("group", name="kitchen").locator("label").click()
    expect(page.locator("#now-word")).to_have_text("angry")
    expect(page.locator("#fact-device")).to_have_text("USB")
    expect(page.locator("#mute")).to_be_hidden()
    page.evaluate("new Promise(requestAnimationFrame)")
    page.get_by_role("group", name="desk").locator("label").click()
    page.locator("#mute").wait_for(state="hidden")
    asked.answer(status("running", device="own"))
    page.locator("#mute").click()
    assert house.receive("mute").message["muted"] is True  # and no "past" of kitchen/mic before
    expect(page.locator("#fact-model")).to_have_text("full")


def test_a_clock_that_is_wrong_is_said(open_page: Any, house: ScriptedDaemon) -> None:
    page = open_page(house)
    asked = house.receive("rooms")
    asked.answer(
        rooms(room("kitchen", "mic", clock_seconds=-75.2)),
        emotion(1, "angry", stream="kitchen/mic"),
    )
    page.get_by_role("group", name="kitchen").locator("label").click()
    expect(page.locator("#now-note")).to_have_text("The clock of kitchen is 1 min 15 s behind.")


@pytest.mark.parametrize("size", ["phone", "large"])
def test_many_rooms_fit_and_are_accessible(
    open_page: Any, house: ScriptedDaemon, size: str, violations: Callable[[Any], list[str]]
) -> None:
    page = open_page(house, size)
    streams = [f"stream {number}" for number in range(8)]
    house.receive("rooms").answer(
        rooms(
            room("kitchen", *streams), room("hall", "mic", state="unreachable"), room(LONG, "mic")
        ),
        emotion(1, "surprised", stream="kitchen/stream 1"),
    )
    expect(page.get_by_role("group", name="kitchen").locator("label")).to_have_count(8)
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0
    assert violations(page) == []


def test_nonsense_about_rooms_is_survived(open_page: Any, house: ScriptedDaemon) -> None:
    page = open_page(house)
    asked = house.receive("rooms")
    asked.answer(
        {"type": "rooms"}, rooms({}), {"type": "rooms", "rooms": [None, 3, {"streams": [1, {}]}]},
        rooms(room("<img src=x onerror=alert(1)>", "__proto__")),
        emotion(1, "angry", stream="<img src=x onerror=alert(1)>/__proto__"),
    )  # fmt: skip
    expect(page.locator("#stream-list")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(page.locator("#stream-list")).to_contain_text("angry")
