"""Messages that make no sense, and another version of the protocol."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.web.scripted import STRIDE_SECONDS, ScriptedDaemon, emotion, hello

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system


def test_rubbish_is_survived(page: Any, daemon: ScriptedDaemon) -> None:
    good = emotion(3, "calm")
    daemon.send(
        "", "null", "[]", "{", '{"type":"emotion"}', '{"type":"hello"', '{"type":"unknown"}',
        emotion(0, state="dancing"), good | {"seq": "4"}, good | {"stream": None},
        '{"type":"emotion","seq":1,"stream":"mic","end":1e999,"time":0,"state":"speech"}',
        good | {"label": "<b>bold</b>", "scores": [1, 2], "confidence": "high", "end": 0.75},
    )  # fmt: skip
    expect(page.locator("#now-word")).to_have_text("unknown")
    daemon.send(good | {"end": 0.75 + STRIDE_SECONDS, "seq": 4})
    expect(page.locator("#now-word")).to_have_text("calm")


def test_another_protocol_version_is_reported(open_page: Any, start_daemon: Any) -> None:
    page = open_page(start_daemon(hello(last=emotion(0, "calm")) | {"protocol": 2}))
    expect(page.locator("#now-note")).to_contain_text("reload the page")
