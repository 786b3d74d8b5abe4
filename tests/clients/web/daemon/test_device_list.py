"""The owner's list of paired devices on the page. test_credentials has it with a real daemon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.web.conftest import OpenPage
from tests.clients.web.scripted import EPOCH, Message, ScriptedDaemon, hello

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system


def device(name: str, connections: int = 0) -> Message:
    return {"name": name, "paired": EPOCH, "seen": EPOCH + 60.0, "connections": connections}


def listed(*devices: Message) -> Message:
    return {"type": "devices", "devices": [*devices]}


def test_the_owner_sees_who_is_paired_and_revokes_at_the_second_click(
    start_daemon: Callable[..., ScriptedDaemon],
    open_page: OpenPage,
    violations: Callable[[Any], list[str]],
) -> None:
    daemon = start_daemon(hello(pairing=True))
    page = open_page(daemon, "phone", path="#pair")  # no code
    page.get_by_role("button", name="Phone").click()
    odd = "<b>\u202e" + "w" * 200
    devices = [device("Anna phone", connections=1), device(odd), *map(device, map(str, range(30)))]
    daemon.receive("devices").answer(listed(*devices))
    rows = page.get_by_role("dialog").get_by_role("listitem")
    expect(rows).to_have_count(32)
    expect(rows.last).to_contain_text("Anna phone")  # the newest one is the first
    expect(rows.last).to_contain_text("connected\u00a0now, paired")
    expect(rows.nth(30)).to_contain_text("<b> www")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []
    revoke = rows.last.get_by_role("button")
    revoke.click()
    expect(revoke).to_have_text("Revoke it?")
    page.keyboard.press("Escape")  # takes the question back, and leaves the dialog open
    expect(revoke).to_have_text("Revoke")
    revoke.click()
    revoke.click()
    asked = daemon.receive("revoke")
    assert asked.message["name"] == "Anna phone"
    refusal = {
        "type": "error", "error": "pairing-failed", "about": "revoke",
        "detail": "the list of paired devices cannot be written. Make room.",
    }  # fmt: skip
    asked.answer(refusal)
    expect(page.locator("#pairing-state")).to_contain_text("cannot be written")
    daemon.receive("devices").answer(listed(device(odd)))  # it is out all the same
    expect(rows).to_have_count(1)
    expect(rows.get_by_role("button")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    asked = daemon.receive("revoke")
    assert asked.message["name"] == odd
    asked.answer(listed())
    expect(page.locator("#pairing-state")).to_contain_text("is let in no more.")
    expect(page.get_by_role("heading", name="Paired devices")).to_be_hidden()
    expect(page.get_by_role("button", name="Close", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    assert daemon.receive("cancel-pairing")
    expect(page.get_by_role("dialog")).to_be_hidden()
