"""Which stream is shown if none is picked, or if the picked one is gone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.web.daemon.test_past import piece
from tests.clients.web.scripted import emotion, hello, status

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system


def test_stream_that_did_not_come_back(open_page: Any, start_daemon: Any) -> None:
    first = start_daemon(hello(("mic", "kitchen"), last=emotion(4, "calm")))
    page = open_page(first, path="#stream=kitchen")
    first.send(emotion(4, "angry", stream="kitchen"), status("muted", seq=5))
    expect(page.locator("#now-word")).to_have_text("angry")
    first.stop()
    expect(page.locator("#now-word")).to_have_text("reconnecting")
    second = start_daemon(hello(("mic",), last=emotion(0, "sad")), first.port)
    second.wait_for_clients()
    # Nor does the old daemon's word that the other one is muted hold any longer.
    expect(page.locator("#now-word")).to_have_text("sad")
    expect(page.locator("#streams")).to_be_hidden()
    second.send(emotion(1, "sad"), emotion(0, "surprised", stream="kitchen"))
    expect(page.locator("#now-word")).to_have_text("surprised")


def test_a_client_s_stream_goes_when_it_has_ended(open_page: Any, start_daemon: Any) -> None:
    daemon = start_daemon(hello(("mic", "talk"), last=emotion(4, "calm")))
    page = open_page(daemon)
    daemon.send(emotion(0, "sad", stream="client-13"), emotion(0, "sad", stream="talk"))
    tabs = page.locator("#stream-list label")
    expect(tabs).to_have_count(3)
    daemon.receive("past").answer(piece(emotion(4, "calm")))
    for name, answer in (
        ("talk", piece(stream="talk")),
        ("client-13", {"type": "error", "error": "unknown-stream", "detail": "", "about": "past"}),
    ):
        daemon.send(status("ended", seq=1, stream=name))
        asked = daemon.receive("past")
        assert asked.message["stream"] == name
        asked.answer(answer)
    expect(tabs).to_have_text(["miccalm", "talkended"])
    expect(page.locator("#notice")).to_be_hidden()


def test_address_names_a_stream(open_page: Any, start_daemon: Any) -> None:
    daemon = start_daemon(hello(("mic",), last=emotion(4, "calm")))
    page = open_page(daemon, path="#stream=living%20room")
    expect(page.locator("#now-word")).to_have_text("calm")
    daemon.send(emotion(0, "fearful", stream="living room"))
    expect(page.locator("#now-word")).to_have_text("fearful")
