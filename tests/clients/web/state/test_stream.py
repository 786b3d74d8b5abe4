"""Which events of a stream are new, and which are missing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.web.scripted import emotion, hello, status

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system


def test_numbers_before_the_connection_are_not_missed(open_page: Any, start_daemon: Any) -> None:
    daemon = start_daemon(hello(last=emotion(4, "calm")))
    page = open_page(daemon)
    # The greeting's last status is older than the last emotion in its hello.
    daemon.send(status("running", seq=0), emotion(5, "happy", seq=7))
    expect(page.locator("#now-word")).to_have_text("happy")
    expect(page.locator("#fact-missed")).to_be_hidden()
    daemon.send(emotion(9, "sad", seq=11))
    expect(page.locator("#fact-missed")).to_have_text("3")


def test_repeated_last_event_is_not_new(open_page: Any, start_daemon: Any) -> None:
    first = start_daemon()
    page = open_page(first)
    first.send(*[emotion(index, "happy") for index in range(9)])
    expect(page.locator("#now-detail")).to_contain_text("2 s")
    first.stop()
    expect(page.locator("#now-word")).to_have_text("reconnecting")
    second = start_daemon(hello(last=emotion(8, "happy")), first.port)
    second.wait_for_clients()
    second.send(emotion(9, "happy"))
    expect(page.locator("#now-detail")).to_contain_text("for at least 2 s")
    expect(page.locator("#fact-missed")).to_be_hidden()
