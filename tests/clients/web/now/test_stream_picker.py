"""The choice among several streams, and names that mean harm."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.web.scripted import ScriptedDaemon, emotion, hello, status

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    '"><script>alert(2)</script>',
    "__proto__",
    "\u202egnp.exe\u0000\n\t",
    "=HYPERLINK(1)",
    "x" * 5000,
    "",
)


def test_one_stream_needs_no_choice(page: Any, daemon: ScriptedDaemon) -> None:
    daemon.send(emotion(0, "calm"))
    expect(page.locator("#stream-single")).to_have_text("mic")
    expect(page.locator("#streams")).to_be_hidden()


def test_choice(open_page: Any, start_daemon: Any) -> None:
    daemon = start_daemon(hello(("mic", "kitchen"), last=emotion(4, "calm")))
    page = open_page(daemon)
    daemon.send(emotion(2, "angry", stream="kitchen"))
    expect(page.locator("#now-word")).to_have_text("calm")
    kitchen = page.get_by_role("radio", name="kitchen")
    expect(page.locator("#stream-list label").nth(1)).to_contain_text("angry")
    page.locator("#stream-list label").nth(1).click()
    expect(kitchen).to_be_checked()
    daemon.send(emotion(3, "angry", stream="kitchen"))
    expect(page.locator("#now-word")).to_have_text("angry")
    daemon.send(emotion(5, "happy"), status("muted", seq=3, stream="kitchen"))
    expect(page.locator("#now-word")).to_have_text("muted")
    assert page.url.endswith("#stream=kitchen")


def test_a_tab_has_the_same_words_as_the_page_and_none_of_a_lost_daemon(
    open_page: Any, start_daemon: Any
) -> None:
    daemon = start_daemon(hello(("mic", "kitchen"), last=emotion(4, "calm")))
    page = open_page(daemon)
    tabs = page.locator("#stream-list label")
    expect(tabs.nth(0)).to_have_text("miccalm")
    daemon.send(status("reconnecting", seq=5))
    expect(page.locator("#now-word")).to_have_text("source lost")
    expect(tabs.nth(0)).to_have_text("micsource lost")
    daemon.send(emotion(5, "sad", seq=6))
    expect(tabs.nth(0)).to_have_text("micsad")
    daemon.stop()
    expect(page.locator("#now-word")).to_have_text("reconnecting")
    expect(tabs.nth(0)).to_have_text("mic")


def test_choice_by_keyboard(open_page: Any, start_daemon: Any) -> None:
    daemon = start_daemon(hello(("mic", "kitchen"), last=emotion(4, "calm")))
    page = open_page(daemon)
    daemon.send(emotion(2, "angry", stream="kitchen"))
    expect(page.locator("#now-word")).to_have_text("calm")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="kitchen")).to_be_checked()
    daemon.send(emotion(3, "sad", stream="kitchen"))
    expect(page.locator("#now-word")).to_have_text("sad")
    page.keyboard.press("ArrowLeft")
    daemon.send(emotion(5, "calm"))
    expect(page.locator("#now-word")).to_have_text("calm")


@pytest.mark.parametrize("size", ["large", "phone"])
def test_hostile_names_are_text(open_page: Any, start_daemon: Any, size: str) -> None:
    daemon = start_daemon(hello(("mic", *HOSTILE), last=emotion(4, "calm")))
    page = open_page(daemon, size)
    for name in HOSTILE:
        daemon.send(
            emotion(0, "happy", stream=name),
            status("muted", seq=1, stream=name, detail="<b onclick=alert(3)>x</b>" * 400),
        )
    labels = page.locator("#stream-list label")
    expect(labels).to_have_count(1 + len(HOSTILE))
    expect(labels.nth(1)).to_contain_text("<img src=x onerror=alert(1)>")
    expect(labels.nth(7)).to_contain_text("(unnamed)")
    page.locator("#stream-list input").nth(1).check(force=True)
    expect(page.locator("#now-detail")).to_contain_text("<b onclick=alert(3)>")
    assert page.locator("img, b, script:not([src])").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
