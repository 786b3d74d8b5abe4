"""The browser's own microphone: its audio goes to the daemon, the events to this page alone."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from websockets.sync.client import connect

from tests.clients.web.conftest import RealDaemon
from tests.clients.web.scripted import (
    CLIENT_STREAMS,
    LABELS,
    ScriptedDaemon,
    emotion,
    hello,
    status,
)

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

PATIENCE_MS = 60_000
A_LABEL = re.compile("|".join(LABELS))


@pytest.fixture
def allowed(contexts: Any) -> Any:
    """Pages may use the microphone, until the test ends."""
    context = contexts.get("large", "reduce", "light")
    context.grant_permissions(["microphone"])
    yield
    context.clear_permissions()


@pytest.fixture
def paper(start_daemon: Any) -> ScriptedDaemon:
    daemon: ScriptedDaemon = start_daemon(hello(client_streams=CLIENT_STREAMS))
    return daemon


@pytest.fixture
def paper_page(allowed: None, open_page: Any, paper: ScriptedDaemon) -> Any:
    return open_page(paper)


def speak(page: Any) -> None:
    page.get_by_role("button", name="Speak", exact=True).click()


def strip(page: Any) -> Any:
    return page.locator("#voice-text")


def test_a_private_voice_is_shown_on_this_page_only(
    allowed: None, open_page: Any, real_daemon: RealDaemon
) -> None:
    page = open_page(real_daemon)
    with connect(real_daemon.daemon.websocket_url) as other:
        speak(page)
        expect(strip(page)).to_have_text(
            "Your microphone is on. Only this page sees the result.", timeout=PATIENCE_MS
        )
        expect(page.get_by_role("radio", name="you")).to_be_checked()
        page.wait_for_function(
            "labels => labels.includes(document.querySelector('#now').dataset.label)",
            arg=list(LABELS), timeout=PATIENCE_MS,
        )  # fmt: skip
        expect(page).to_have_title(re.compile("you · .*emotiond"))
        level = page.get_by_role("meter", name="Level of your microphone")
        expect(level).to_have_attribute("aria-valuenow", re.compile("^-[1-9]"))
        page.get_by_role("button", name="Stop").click()
        expect(page.locator("#voice")).to_be_hidden()
        expect(page.get_by_role("radio", name="you")).to_have_count(0)
        received = [json.loads(other.recv()) for _ in range(12)]
        assert {event["stream"] for event in received if "stream" in event} == {"voice"}


def test_a_shared_stream_reaches_every_client(
    allowed: None, open_page: Any, real_daemon: RealDaemon
) -> None:
    page = open_page(real_daemon)
    speak(page)
    expect(page.get_by_role("radio", name="you")).to_be_checked(timeout=PATIENCE_MS)
    page.get_by_label("Share with everyone").check()
    expect(strip(page)).to_contain_text("Everyone connected sees the result.")
    with connect(real_daemon.daemon.websocket_url) as other:
        while (event := json.loads(other.recv(timeout=60))).get("stream") != "browser":
            pass
        assert event["type"] in ("status", "emotion", "change")
        # Its events come to this page over both connections; it is one stream nevertheless.
        expect(page.locator("#stream-list label")).to_have_count(2)
        expect(page.locator("#now-word")).to_have_text(A_LABEL, timeout=PATIENCE_MS)
        page.get_by_role("button", name="Stop").click()


def test_two_pages_share_under_two_names(
    allowed: None, open_page: Any, real_daemon: RealDaemon
) -> None:
    names = set()
    for _ in range(2):
        page = open_page(real_daemon)
        speak(page)
        page.get_by_label("Share with everyone").check(timeout=PATIENCE_MS)
        expect(strip(page)).to_contain_text("Everyone connected sees", timeout=PATIENCE_MS)
    with connect(real_daemon.daemon.websocket_url) as other:
        while names != {"browser", "browser 2"}:
            name = json.loads(other.recv(timeout=60)).get("stream", "")
            names |= {name} - {"", "voice"}


def test_too_many_is_the_daemons_word(paper_page: Any, paper: ScriptedDaemon) -> None:
    speak(paper_page)
    received = paper.receive("start")
    assert received.message["purpose"] == "live"
    assert received.message["publish"] is False
    assert received.message["sample_rate"] >= 8000
    received.answer(
        {
            "type": "error", "error": "too-many-streams", "about": "start",
            "detail": "there are 4 streams of clients. Try again when one has ended",
        }
    )  # fmt: skip
    expect(strip(paper_page)).to_contain_text("there are 4 streams of clients")
    expect(paper_page.get_by_role("button", name="Speak", exact=True)).to_have_attribute(
        "aria-pressed", "false"
    )
    paper_page.locator("#voice-stop").click()
    expect(paper_page.locator("#voice")).to_be_hidden()


def test_it_goes_on_when_the_daemon_comes_back(
    paper_page: Any, paper: ScriptedDaemon, start_daemon: Any
) -> None:
    speak(paper_page)
    received = paper.receive("start")
    received.answer({"type": "started", "stream": "client-1", "purpose": "live", "name": ""})
    paper.receive("audio")
    received.answer(*[emotion(index, "angry", stream="client-1") for index in range(4)])
    expect(paper_page.locator("#now-word")).to_have_text("angry")
    paper.stop()
    expect(strip(paper_page)).to_contain_text("The daemon does not answer")
    second = start_daemon(hello(client_streams=CLIENT_STREAMS), paper.port)
    again = second.receive("start")
    again.answer({"type": "started", "stream": "client-2", "purpose": "live", "name": ""})
    second.receive("audio")
    again.answer(emotion(0, "happy", stream="client-2"))
    expect(paper_page.locator("#now-word")).to_have_text("happy")
    expect(paper_page.get_by_role("radio", name="you")).to_be_checked()


def test_the_end_of_a_stream_by_the_daemon_is_reported(
    paper_page: Any, paper: ScriptedDaemon
) -> None:
    speak(paper_page)
    received = paper.receive("start")
    received.answer({"type": "started", "stream": "client-1", "purpose": "live", "name": ""})
    expect(strip(paper_page)).to_contain_text("Only this page")
    received.answer(status("ended", stream="client-1", detail="no sound has come"))
    expect(strip(paper_page)).to_have_text("The daemon ended your stream. no sound has come")


def test_refused_by_the_viewer(open_page: Any, paper: ScriptedDaemon) -> None:
    page = open_page(paper)
    speak(page)
    expect(strip(page)).to_contain_text("The microphone is blocked. Allow it for this page")
    expect(page.locator("#voice-level")).to_be_hidden()


def test_a_missing_microphone_is_reported(
    allowed: None, open_page: Any, paper: ScriptedDaemon
) -> None:
    missing = """
      navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException("none", "NotFoundError");
      };
    """
    page = open_page(paper, script=missing)
    speak(page)
    expect(strip(page)).to_contain_text("No microphone found. Plug one in")


def test_unplugged_while_speaking(paper_page: Any, paper: ScriptedDaemon) -> None:
    paper_page.evaluate(
        """() => {
          const before = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = async (constraints) => {
            const media = await before(constraints);
            window.plug = media.getAudioTracks()[0];
            return media;
          };
        }"""
    )
    speak(paper_page)
    paper.receive("start").answer({"type": "started", "stream": "client-1", "purpose": "live"})
    expect(strip(paper_page)).to_contain_text("Only this page")
    paper_page.evaluate("window.plug.dispatchEvent(new Event('ended'))")
    expect(strip(paper_page)).to_contain_text("The microphone is gone.")


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_the_sound_has_the_rate_that_the_page_announces(
    paper_page: Any, paper: ScriptedDaemon, rate: int
) -> None:
    """A browser's microphone has a rate and a channel count of its own, whatever is asked for."""
    paper_page.evaluate(
        """(rate) => {
          const Given = window.AudioContext;
          const device = new Given({ sampleRate: 44100 });
          const stereo = new MediaStreamAudioDestinationNode(device, { channelCount: 2 });
          const tone = new OscillatorNode(device, { frequency: 1000 });
          tone.connect(stereo);
          tone.start();
          navigator.mediaDevices.getUserMedia = async () => {
            await device.resume();
            return stereo.stream;
          };
          window.AudioContext = class extends Given {
            constructor() { super({ sampleRate: rate }); }
          };
        }""",
        rate,
    )
    speak(paper_page)
    received = paper.receive("start")
    assert (received.message["sample_rate"], received.message["format"]) == (rate, "s16le")
    received.answer({"type": "started", "stream": "client-1", "purpose": "live"})
    content = b""
    while not np.frombuffer(content, "<i2")[: -rate // 2].any():  # half a second of the tone
        content += paper.receive("audio").message["content"]
    spectrum = np.abs(np.fft.rfft(np.frombuffer(content, "<i2")[-rate // 2 :]))
    assert spectrum.argmax() * 2 == pytest.approx(1000, abs=10)


def test_without_encryption_it_says_what_to_do(open_page: Any, paper: ScriptedDaemon) -> None:
    page = open_page(Elsewhere(paper))
    assert page.evaluate("window.isSecureContext") is False
    speak(page)
    expect(strip(page)).to_contain_text("only over HTTPS")
    expect(strip(page)).to_contain_text("--tls-cert and --tls-key")


class Elsewhere:
    """A daemon as it is reached from another machine."""

    def __init__(self, daemon: ScriptedDaemon) -> None:
        self.url = f"http://elsewhere.test:{daemon.port}/"
        self.wait_for_clients = daemon.wait_for_clients
