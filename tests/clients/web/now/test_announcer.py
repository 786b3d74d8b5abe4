"""What a screen reader announces unasked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.clients.web.scripted import CLIENT_STREAMS, ScriptedDaemon, emotion, hello
from tests.support.signals import RATE, demo

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system


def result(number: int, name: str, label: str | None) -> dict[str, object]:
    return {
        "id": number, "name": name, "time": 1795372800.0, "duration": 4.0, "label": label,
        "confidence": label and 0.6, "scores": label and emotion(0, label)["scores"],
    }  # fmt: skip


def test_only_label_changes_are_announced(page: Any, daemon: ScriptedDaemon) -> None:
    said = page.locator("#announcer")
    page.evaluate(
        """() => {
          window.said = [];
          const region = document.getElementById("announcer");
          new MutationObserver(() => window.said.push(region.textContent))
            .observe(region, { childList: true, characterData: true, subtree: true });
        }"""
    )
    daemon.send(*[emotion(index, "calm", share=0.5 + 0.01 * index) for index in range(12)])
    expect(said).to_have_text("calm")
    daemon.send(*[emotion(12 + index, "angry") for index in range(12)])
    expect(said).to_have_text("angry")
    assert page.evaluate("window.said") == ["calm", "angry"]
    assert said.get_attribute("aria-live") == "polite"


def test_a_result_is_announced(open_page: Any, start_daemon: Any, tmp_path: Path) -> None:
    daemon: ScriptedDaemon = start_daemon(hello(client_streams=CLIENT_STREAMS))
    page = open_page(daemon)
    soundfile.write(tmp_path / "said.wav", demo()[: 4 * RATE], RATE)
    page.locator("#file-input").set_input_files(str(tmp_path / "said.wav"))
    received = daemon.receive("start")
    received.answer(
        {"type": "started", "stream": "client-1", "purpose": "file", "name": "said.wav"}
    )
    received.answer(emotion(0, "angry", stream="client-1"))
    received.answer({"type": "analysis", "events": 1, **result(3, "said.wav", "sad")})
    expect(page.locator("#announcer")).to_have_text("said.wav: sad, 60\u202f% on average over 4 s")
