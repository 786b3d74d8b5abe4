"""A handshake that is refused: the page of a real daemon says why, in a real browser."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import DATA
from tests.support.daemon import DEMO, Daemon, running_daemon
from tests.support.free_port import free_port
from tests.support.full import filling
from tests.support.header_proxy import header_proxy
from tests.support.nginx import needs_nginx, nginx

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

PATIENCE_MS = 30_000  # a busy machine takes seconds to load a page

SOURCE = ("--source", f"voice={DEMO}", "--model", str(DATA / "tiny.tflite"), "--history", "off")
ELSEWHERE = "elsewhere.test"  # a name of this machine, for this browser


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with running_daemon(*SOURCE) as daemon:
        yield daemon


@pytest.fixture
def tab(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context()
    yield context.new_page()
    context.close()


def test_a_proxy_that_changes_the_host_is_answered_with_the_flag(tab: Any, daemon: Daemon) -> None:
    with header_proxy(daemon.port, {"Host": f"127.0.0.1:{daemon.port}"}) as proxy:
        url = f"http://{ELSEWHERE}:{proxy.port}"
        tab.goto(url)
        detail = tab.locator("#now-detail")
        expect(detail).to_contain_text(f"pages of {url} may not listen", timeout=PATIENCE_MS)
        expect(detail).to_contain_text(f"--allow-origin {url}", timeout=PATIENCE_MS)
        expect(detail).to_contain_text("Next try in", timeout=PATIENCE_MS)
        expect(tab.locator("#now-word")).to_have_text("not connected")
        expect(tab.locator("#announcer")).to_contain_text("--allow-origin", timeout=PATIENCE_MS)
        proxy.set({"Host": f"{ELSEWHERE}:{proxy.port}"})  # unknown to the daemon
        expect(detail).to_contain_text(f"--allow-host {ELSEWHERE}", timeout=PATIENCE_MS)
        proxy.set({"Host": f"127.0.0.1:{daemon.port}", "Origin": f"http://127.0.0.1:{daemon.port}"})
        expect(tab.locator("#link")).to_have_text("live", timeout=PATIENCE_MS)
        expect(detail).not_to_contain_text("refuses", timeout=PATIENCE_MS)


def test_a_daemon_that_was_restarted_without_its_flag_says_so(tab: Any) -> None:
    port = str(free_port())
    with running_daemon(*SOURCE, "--port", port, "--allow-host", ELSEWHERE):
        tab.goto(f"http://{ELSEWHERE}:{port}")
        expect(tab.locator("#link")).to_have_text("live", timeout=PATIENCE_MS)
    expect(tab.locator("#now-detail")).to_contain_text("does not answer", timeout=PATIENCE_MS)
    with running_daemon(*SOURCE, "--port", port):
        expect(tab.locator("#now-detail")).to_contain_text(
            f"does not know the name {ELSEWHERE}; allow it: --allow-host {ELSEWHERE}",
            timeout=PATIENCE_MS,
        )


def test_a_full_daemon_says_so(tab: Any) -> None:
    with (
        running_daemon(*SOURCE, "--max-connections", "20") as daemon,
        filling(daemon.websocket_url) as fill,
        header_proxy(daemon.port, {}) as proxy,
    ):
        tab.goto(f"http://127.0.0.1:{proxy.port}")
        expect(tab.locator("#link")).to_have_text("live", timeout=PATIENCE_MS)
        fill()
        detail = tab.locator("#now-detail")
        for _ in range(10):  # until no place is left when the page comes again
            proxy.cut()
            fill()
            with contextlib.suppress(AssertionError):
                expect(detail).to_contain_text("too many connections here", timeout=3_000)
                break
        expect(detail).to_contain_text("too many connections here")


def test_a_full_daemon_says_so_of_sound_that_the_page_would_send(tab: Any) -> None:
    with (
        running_daemon(*SOURCE, "--max-connections", "20") as daemon,
        filling(daemon.websocket_url) as fill,
    ):
        tab.goto(daemon.page_url)
        expect(tab.locator("#link")).to_have_text("live", timeout=PATIENCE_MS)
        for _ in range(20):  # the browser may let go of a connection that it has had in reserve
            fill()
            problem = tab.evaluate(
                """async (address) => {
                  const { ClientStream } = await import("/daemon/client-stream.js");
                  const start = { purpose: "live", sampleRate: 16000, name: "" };
                  return new Promise((resolve) => {
                    const onEnd = ({ message }) => resolve(message);
                    const stream = new ClientStream(address, "", start, () => {}, onEnd);
                    stream.started.then(() => { stream.close(); resolve(""); }, () => {});
                  });
                }""",
                daemon.websocket_url,
            )
            if problem == "The daemon refuses: too many connections here.":
                break
    assert problem == "The daemon refuses: too many connections here."


def test_a_lost_handshake_hints_at_the_proxy(tab: Any, daemon: Daemon) -> None:
    with header_proxy(daemon.port, {"Upgrade": ""}) as proxy:
        tab.goto(f"http://127.0.0.1:{proxy.port}")
        hint = re.compile(r"a proxy in between has to pass on the header Upgrade")
        expect(tab.locator("#now-detail")).to_contain_text(hint, timeout=PATIENCE_MS)
        proxy.set({})
        expect(tab.locator("#link")).to_have_text("live", timeout=PATIENCE_MS)


@pytest.mark.peers
@needs_nginx
@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"Upgrade": "$http_upgrade", "Connection": "upgrade"}, "--allow-origin http://127.0.0.1:"),
        ({"Host": "$http_host"}, "pass on the header Upgrade"),
    ],
)
def test_an_nginx_as_it_is_set_up_too_often(
    tab: Any, daemon: Daemon, tmp_path: Path, headers: dict[str, str], said: str
) -> None:
    with nginx(tmp_path, daemon.page_url, headers=headers) as url:
        tab.goto(f"{url}/emotion/")
        expect(tab.locator("#now-detail")).to_contain_text(said, timeout=PATIENCE_MS)
