"""The large word, the line below it, and the differences between the states."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from tests.clients.web.scripted import (
    LABELS,
    ScriptedDaemon,
    emotion,
    hello,
    status,
)

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system


def test_each_label(page: Any, daemon: ScriptedDaemon) -> None:
    for index, label in enumerate(LABELS):
        daemon.send(emotion(index, label, share=0.62))
        expect(page.locator("#now-word")).to_have_text(label)
        expect(page.locator("#now-detail")).to_contain_text("62\u202f% sure")
        expect(page.locator("#now")).to_have_attribute("data-label", label)
        expect(page).to_have_title(re.compile(f"^{label} · mic"))


def test_held_time_is_exact_only_where_the_beginning_was_seen(
    page: Any, daemon: ScriptedDaemon
) -> None:
    before = [emotion(index, "calm") for index in range(9)]
    daemon.send(*before)
    expect(page.locator("#now-detail")).to_contain_text("for at least 2 s")
    daemon.send(*[emotion(9 + index, "sad") for index in range(13)])
    expect(page.locator("#now-detail")).to_contain_text("sure, for 3 s")


def test_states_are_not_emotions(page: Any, daemon: ScriptedDaemon) -> None:
    daemon.send(emotion(0, "neutral"))
    states = (
        ("warmup", "warming up", "first half second"),
        ("silence", "silence", "No speech"),
        ("uncertain", "uncertain", "Closest: calm 28\u202f%"),
    )
    for index, (state, word, detail) in enumerate(states, 1):
        daemon.send(emotion(index, None, state=state, share=0.28))
        expect(page.locator("#now-word")).to_have_text(word)
        expect(page.locator("#now-detail")).to_contain_text(detail)
        expect(page.locator("#now")).to_have_attribute("data-label", "none")


def test_source_without_sound(page: Any, daemon: ScriptedDaemon) -> None:
    words = {
        "stalled": "no sound",
        "reconnecting": "source lost",
        "muted": "muted",
        "ended": "ended",
    }
    daemon.send(emotion(0, "happy"))
    for seq, (name, word) in enumerate(words.items(), 1):
        daemon.send(status(name, seq=seq, detail="USB microphone gone"))
        expect(page.locator("#now-word")).to_have_text(word)
        expect(page.locator("#now-detail")).to_contain_text("USB microphone gone")
        expect(page.locator("#bars .bar-value").first).to_have_text("–")


def test_the_sentence_about_mute_stands_once(page: Any, daemon: ScriptedDaemon) -> None:
    detail = "the microphone is closed until it is unmuted"
    daemon.send(emotion(0, "happy"), status("muted", seq=1, detail=detail))
    expect(page.locator("#now-detail")).to_have_text(
        "The microphone is closed until it is unmuted."
    )
    daemon.send(status("muted", seq=2))
    expect(page.locator("#now-detail")).to_have_text("The daemon does not listen.")


def test_overload_warns_beside_the_emotion(page: Any, daemon: ScriptedDaemon) -> None:
    daemon.send(status("overload"), emotion(1, "happy", dropped_samples=4000))
    expect(page.locator("#now-word")).to_have_text("happy")
    expect(page.locator("#now-note")).to_contain_text("too slow")
    expect(page.locator("#fact-dropped")).to_have_text("4,000")
    daemon.send(status("running", seq=2))
    expect(page.locator("#now-note")).to_be_hidden()


def test_missing_updates_are_reported(open_page: Any, daemon: ScriptedDaemon) -> None:
    daemon.is_patient = False
    page = open_page(daemon, clock=True)
    word = page.locator("#now-word")
    for index in itertools.count():  # on a slow machine, a single one is late before it is seen
        daemon.send(emotion(index, "happy"))
        if word.text_content() == "happy":
            break
    page.clock.fast_forward(6000)
    expect(word).to_have_text("no updates")


def test_last_event_of_the_greeting_is_shown(open_page: Any, start_daemon: Any) -> None:
    page = open_page(start_daemon(hello(last=emotion(40, "surprised"))))
    expect(page.locator("#now-word")).to_have_text("surprised")


def test_replay_is_marked(open_page: Any, start_daemon: Any) -> None:
    daemon = start_daemon(hello(("old",)))
    page = open_page(daemon)
    daemon.send(status("running", seq=0, stream="old", replay=True))
    expect(page.locator("#replay-mark")).to_be_visible()
    expect(page.locator("#demo-mark")).to_be_hidden()
    daemon.send(status("running", seq=1, stream="old"))
    expect(page.locator("#replay-mark")).to_be_hidden()


def test_demo_is_marked(open_page: Any, start_daemon: Any) -> None:
    daemon = start_daemon(hello(("demo",), demo=True, last=emotion(0, "happy", stream="demo")))
    page = open_page(daemon)
    expect(page.locator("#demo-mark")).to_be_visible()
    daemon.send(status("running", seq=1, stream="demo", demo=False))
    expect(page.locator("#demo-mark")).to_be_hidden()
