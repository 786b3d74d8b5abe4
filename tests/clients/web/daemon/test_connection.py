"""Losing the daemon and finding it again."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.clients.web.scripted import CLIENT_STREAMS, ScriptedDaemon, emotion, hello
from tests.conftest import DATA
from tests.support.daemon import DEMO, PATIENCE_SECONDS, running_daemon
from tests.support.ipv6 import needs_ipv6
from tests.support.silent_proxy import silent_proxy

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

QUIET_MS = 4500
"""After so long without a message, the page has asked for an answer."""
ANSWER_MS = 4500
"""After so long without the answer, it has given up the connection."""
COUNT_PONGS = """
  window.pongs = 0;
  window.WebSocket = class extends WebSocket {
    constructor(address) {
      super(address);
      this.addEventListener("message", ({ data }) => { window.pongs += data.includes("pong"); });
    }
  };
"""


def give_up(page: Any) -> None:
    """Let pass what the page waits for a connection without a sign of life."""
    page.clock.fast_forward(QUIET_MS)
    page.clock.fast_forward(ANSWER_MS)


def test_reconnects_after_a_restart(open_page: Any, start_daemon: Any) -> None:
    first = start_daemon()
    page = open_page(first, motion="no-preference")
    first.send(*[emotion(index, "happy") for index in range(20)])
    expect(page.locator("#now-word")).to_have_text("happy")
    expect(page.locator("#link")).to_have_text("live")
    first.stop()
    expect(page.locator("#now-word")).to_have_text("reconnecting")
    expect(page.locator("#link")).to_have_text("not connected")
    expect(page.locator("#retry")).to_be_visible()
    expect(page.locator("#bars .bar-value").first).to_have_text("–")

    second = start_daemon(hello(last=emotion(0, "sad", time=1795372900.0)), first.port)
    second.wait_for_clients()
    expect(page.locator("#now-word")).to_have_text("sad")
    expect(page.locator("#link")).to_have_text("live")
    # The new daemon counts from zero. The old one's events are still there, before its own.
    page.locator("#timeline").focus()
    page.keyboard.press("Home")
    expect(page.locator("#timeline")).to_have_attribute("aria-valuenow", "0.25")
    expect(page.locator("#timeline")).to_have_attribute("aria-valuetext", _starts("happy"))


def test_try_now(open_page: Any, start_daemon: Any) -> None:
    first = start_daemon()
    # Chance makes the pauses minutes long: no try but the one that is asked for.
    page = open_page(first, script="Math.random = () => 1000")
    first.stop()
    expect(page.locator("#now-detail")).to_contain_text(re.compile(r"Next try in \d{3} s"))
    second = start_daemon(hello(last=emotion(0, "calm")), first.port)
    page.locator("#retry").click()
    second.wait_for_clients()
    expect(page.locator("#now-word")).to_have_text("calm")


def test_a_half_open_connection_is_given_up_and_opened_again(
    open_page: Any, daemon: ScriptedDaemon
) -> None:
    with silent_proxy(daemon.port) as proxy:
        page = open_page(Proxied(daemon, proxy.port), clock=True)
        daemon.send(emotion(0, "happy"))
        expect(page.locator("#now-word")).to_have_text("happy")
        proxy.fall_silent()  # neither side gets an error
        page.clock.fast_forward(QUIET_MS)
        expect(page.locator("#link")).to_have_text("live")
        page.clock.fast_forward(ANSWER_MS)
        expect(page.locator("#link")).not_to_have_text("live")
        expect(page.locator("#link")).to_have_text("live")
        daemon.send(emotion(1, "sad"))
        expect(page.locator("#now-word")).to_have_text("sad")


def test_a_connection_that_never_opens_is_given_up_too(
    open_page: Any, daemon: ScriptedDaemon
) -> None:
    with silent_proxy(daemon.port) as proxy:
        page = open_page(Proxied(daemon, proxy.port), clock=True)
        expect(page.locator("#link")).to_have_text("live")
        proxy.fall_silent(for_new_ones=True)
        give_up(page)
        expect(page.locator("#link")).to_have_text("not connected")
        expect(page.locator("#link")).to_have_text("connecting")
        give_up(page)
        expect(page.locator("#link")).to_have_text("not connected")
        proxy.speak_again()
        expect(page.locator("#link")).to_have_text("live")


def test_a_quiet_daemon_that_answers_is_kept(open_page: Any, daemon: ScriptedDaemon) -> None:
    page = open_page(daemon, clock=True, script=COUNT_PONGS)
    expect(page.locator("#link")).to_have_text("live")
    page.evaluate(
        "() => { window.lost = 0; new MutationObserver(() => { window.lost += 1; })"
        ".observe(document.querySelector('#link'), { attributes: true }); }"
    )
    for count in range(1, 4):
        page.clock.fast_forward(QUIET_MS)
        page.wait_for_function("(count) => window.pongs >= count", arg=count)
    assert page.evaluate("window.lost") == 0


def test_a_network_that_has_changed_is_asked_after_at_once(
    open_page: Any, daemon: ScriptedDaemon
) -> None:
    page = open_page(daemon, clock=True)
    daemon.send(emotion(0, "happy"))
    expect(page.locator("#now-word")).to_have_text("happy")
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 1)  # no time passes without this event
    page.evaluate("window.dispatchEvent(new Event('online'))")
    daemon.pings.get(timeout=PATIENCE_SECONDS)


def test_sound_over_a_half_open_connection_is_given_up_too(
    open_page: Any, start_daemon: Any
) -> None:
    daemon = start_daemon(hello(client_streams=CLIENT_STREAMS))
    with silent_proxy(daemon.port) as proxy:
        page = open_page(Proxied(daemon, proxy.port), clock=True)
        ended = page.evaluate_handle(
            """async (address) => {
              const { ClientStream } = await import("/daemon/client-stream.js");
              const start = { purpose: "live", sampleRate: 16000, name: "" };
              const stream = {};
              stream.end = new Promise((resolve) => {
                stream.sending = new ClientStream(address, "", start, () => {}, resolve);
              });
              return stream;
            }""",
            f"ws://127.0.0.1:{proxy.port}/ws",
        )
        daemon.receive("start")
        proxy.fall_silent()
        give_up(page)
        problem = page.evaluate("async ({ end }) => (await end).message", ended)
    assert problem == "The connection to the daemon was lost."


class Proxied:
    """A daemon that is reached by another port."""

    def __init__(self, daemon: ScriptedDaemon, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/"
        self.wait_for_clients = daemon.wait_for_clients


def test_pauses_grow(page: Any, daemon: ScriptedDaemon) -> None:
    pauses = page.evaluate(
        """async () => {
          const { pauseSeconds } = await import("/daemon/connection.js");
          return [0, 1, 2, 3, 4, 5, 20].map(pauseSeconds);
        }"""
    )
    for attempt, pause in enumerate(pauses[:5]):
        assert 0.4 * 2**attempt <= pause <= 0.6 * 2**attempt
    assert pauses[-1] <= 18


def _starts(label: str) -> re.Pattern[str]:
    return re.compile(rf"^\d\d:\d\d:\d\d, {label} ")


@needs_ipv6
def test_the_page_is_live_at_an_ipv6_address(chromium: Any) -> None:
    flags = ("--source", f"voice={DEMO}", "--model", str(DATA / "tiny.tflite"), "--history", "off")
    context = chromium.new_context()
    with running_daemon(*flags, "--host", "::", "--insecure") as daemon:
        page = context.new_page()
        for host in ("[::1]", "127.0.0.1", "localhost"):
            page.goto(f"http://{host}:{daemon.port}/")
            expect(page.locator("#link")).to_have_text("live")
    context.close()
