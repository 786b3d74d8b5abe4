"""The daemon's microphone: seen to be on, and closed from the page."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.web.conftest import RealDaemon
from tests.clients.web.scripted import ScriptedDaemon, emotion, hello, status
from tests.support.daemon import running_daemon
from tests.support.sound_server import SoundServer

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

PATIENCE_MS = 60_000


def test_the_button_closes_the_microphone_for_all(open_page: Any, microphone: SoundServer) -> None:
    flags = ("--source", "mic", "--model", "lite")
    with running_daemon(*flags, environment=microphone.environment) as daemon:
        page = open_page(RealDaemon(daemon))
        other = open_page(RealDaemon(daemon))
        mark = page.locator("#microphone-text")
        expect(mark).to_have_text("microphone on", timeout=PATIENCE_MS)
        expect(page.locator("#now-word")).to_have_text("silence", timeout=PATIENCE_MS)
        page.get_by_role("button", name="Mute", exact=True).click()
        for each in (page, other):
            expect(each.locator("#now-word")).to_have_text("muted", timeout=PATIENCE_MS)
            expect(each.locator("#microphone-text")).to_have_text("microphone off")
        assert not any(name.startswith("python") for name in microphone.recorders())
        other.get_by_role("button", name="Unmute").click()
        expect(mark).to_have_text("microphone on", timeout=PATIENCE_MS)
        expect(page.locator("#now-word")).to_have_text("silence", timeout=PATIENCE_MS)


def test_only_a_microphone_has_a_mute_button(open_page: Any, start_daemon: Any) -> None:
    daemon: ScriptedDaemon = start_daemon(hello(("file", "mic")))
    page = open_page(daemon)
    daemon.send(
        status("running", stream="file"), status("running", stream="mic", device="USB microphone")
    )
    daemon.send(emotion(0, "calm", stream="file"))
    expect(page.locator("#now-word")).to_have_text("calm")
    expect(page.locator("#microphone")).to_be_hidden()
    page.locator("#stream-list label").nth(1).click()
    expect(page.locator("#microphone-text")).to_have_text("microphone on")
    page.get_by_role("button", name="Mute", exact=True).click()
    assert daemon.receive("mute").message["muted"] is True
    daemon.send(status("muted", seq=1, stream="mic", device="USB microphone"))
    page.get_by_role("button", name="Unmute").click()
    assert daemon.receive("mute").message["muted"] is False
    daemon.send(status("reconnecting", seq=2, stream="mic", device="USB microphone"))
    expect(page.locator("#microphone")).to_be_hidden()
