"""A browser's EventSource, with the events of a real daemon; curl, and both behind nginx."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import DATA
from tests.support.daemon import DEMO, PATIENCE_SECONDS, Daemon, running_daemon
from tests.support.nginx import needs_nginx, nginx
from tests.support.programs import skip_without

pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.system

SOURCE = ("--source", f"voice={DEMO}", "--model", str(DATA / "tiny.tflite"), "--history", "off")
WALL = "http://wall.example"
LISTEN = """address => new Promise((resolve, reject) => {
    const source = new EventSource(address), seen = [];
    for (const type of ["hello", "status", "emotion", "change"])
        source.addEventListener(type, event => {
            seen.push([type, event.lastEventId, JSON.parse(event.data).type]);
            if (seen.length === 5) { source.close(); resolve(seen); }
        });
    source.onerror = () => { if (source.readyState === 2) reject(new Error("refused")); };
})"""


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with running_daemon(*SOURCE) as daemon:
        yield daemon


@pytest.fixture
def tab(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context()
    yield context.new_page()
    context.close()


def check(seen: list[tuple[str, str, str]]) -> None:
    assert [kind for kind, _, kind_in_data in seen if kind == kind_in_data][:2] == [
        "hello", "status",
    ]  # fmt: skip
    numbers = [number for kind, number, _ in seen if kind in ("emotion", "change")]
    first = int(numbers[0].removeprefix("voice:"))
    assert numbers == [f"voice:{first + more}" for more in range(len(numbers))]
    assert len(seen) == 5


def test_a_page_of_the_daemon_gets_every_event(tab: Any, daemon: Daemon) -> None:
    tab.goto(daemon.page_url)
    check(tab.evaluate(LISTEN, "events"))


def test_a_foreign_page_gets_none_and_holds_no_stream(tab: Any, daemon: Daemon) -> None:
    tab.route(f"{WALL}/", lambda route: route.fulfill(body="<p>wall", content_type="text/html"))
    tab.goto(f"{WALL}/")
    with pytest.raises(Exception, match="refused"):
        tab.evaluate(LISTEN, f"{daemon.page_url}events")
    tab.evaluate(
        "address => fetch(address, {mode: 'no-cors'}).catch(() => 0)", f"{daemon.page_url}events"
    )
    daemon.wait_until(lambda health: health["event_streams"] == 0)


@pytest.mark.peers
@needs_nginx
def test_behind_nginx_events_come_as_they_are_sent(
    tab: Any, daemon: Daemon, tmp_path: Path
) -> None:
    with nginx(tmp_path, daemon.page_url) as url:
        tab.goto(f"{url}/emotion/")
        check(tab.evaluate(LISTEN, "events"))


@pytest.mark.peers
def test_curl_shows_them(daemon: Daemon) -> None:
    skip_without("curl")
    command = ["curl", "--no-buffer", "--silent", f"{daemon.page_url}events"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as curl:
        assert curl.stdout is not None
        lines = [curl.stdout.readline() for _ in range(12)]
        curl.terminate()
        curl.wait(PATIENCE_SECONDS)
    assert lines[0] == "event: hello\n"
    assert sum(line == "event: emotion\n" for line in lines) >= 2
