"""The page of a real daemon in the frame of a dashboard, which is of another origin."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import DATA
from tests.support.chromium import ARGUMENTS, NAMES
from tests.support.daemon import DEMO, Daemon, running_daemon
from tests.support.dashboard import Dashboard, dashboard

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

pytestmark = pytest.mark.system

PATIENCE_MS = 30_000  # a busy machine takes seconds to load a page

SOURCE = ("--source", f"voice={DEMO}", "--model", str(DATA / "tiny.tflite"), "--history", "off")
TOKEN = "a token of some length"  # noqa: S105
ACTS = ("#mute", "#speak", "#files-toggle", "#files", "#voice", "#drop-overlay")


@pytest.fixture(scope="module")
def wall() -> Iterator[Dashboard]:
    with dashboard() as found:
        yield found


@pytest.fixture(scope="module")
def daemon(wall: Dashboard) -> Iterator[Daemon]:
    others = ("--allow-origin", "https://other.example", "--allow-origin", "null")
    with running_daemon(*SOURCE, "--allow-origin", wall.origin(), *others) as daemon:
        yield daemon


@pytest.fixture
def locked(wall: Dashboard, tmp_path: Path) -> Iterator[Daemon]:
    """A daemon with a token."""
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    flags = ("--allow-origin", wall.origin(), "--token-file", str(token))
    with running_daemon(*SOURCE, *flags) as daemon:
        yield daemon


@pytest.fixture
def tab(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context()
    yield context.new_page()
    context.close()


def framed(tab: Any, wall: Dashboard, url: str, host: str = "elsewhere.test") -> Any:
    """Open the dashboard, and return what its frame shows."""
    wall.frame(url)
    tab.goto(wall.origin(host))
    return tab.frame_locator("iframe")


def test_an_allowed_dashboard_shows_the_page_and_nothing_acts(
    tab: Any, wall: Dashboard, daemon: Daemon
) -> None:
    frame = framed(tab, wall, daemon.page_url)
    expect(frame.locator("#link")).to_have_text("live", timeout=PATIENCE_MS)
    expect(frame.locator("#fact-model")).not_to_have_text("–")
    for each in ACTS:
        expect(frame.locator(each)).to_be_hidden()


def test_dropped_files_stay_with_the_dashboard(tab: Any, wall: Dashboard, daemon: Daemon) -> None:
    frame = framed(tab, wall, daemon.page_url)
    expect(frame.locator("#link")).to_have_text("live", timeout=PATIENCE_MS)
    frame.locator("body").evaluate(
        """(body) => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([new Uint8Array(9)], "voice.wav"));
          for (const kind of ["dragenter", "drop"]) {
            window.dispatchEvent(new DragEvent(kind, { dataTransfer, cancelable: true }));
          }
        }"""
    )
    assert frame.locator("#queue li").count() == 0
    expect(frame.locator("#drop-overlay")).to_be_hidden()


def test_a_link_opens_the_whole_page(tab: Any, wall: Dashboard, daemon: Daemon) -> None:
    frame = framed(tab, wall, daemon.page_url)
    with tab.context.expect_page() as opened:
        frame.locator("#whole-page").click()
    whole = opened.value
    expect(whole.locator("#speak")).to_be_visible()
    expect(whole.locator("#files-toggle")).to_be_visible()
    expect(whole.locator("#whole-page")).to_be_hidden()
    assert whole.url == daemon.page_url


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_any_other_origin_shows_nothing(
    tab: Any, wall: Dashboard, daemon: Daemon, host: str
) -> None:
    refusals: list[str] = []
    tab.on("console", lambda line: refusals.append(line.text))
    with tab.expect_console_message(lambda line: "frame-ancestors" in line.text):
        framed(tab, wall, daemon.page_url, host)
    assert any("frame-ancestors" in text for text in refusals)
    assert not any(frame.url == daemon.page_url for frame in tab.frames[1:])


def test_the_policy_names_the_allowed_origins_and_no_more(
    tab: Any, wall: Dashboard, daemon: Daemon
) -> None:
    def ancestors(served: Daemon) -> str:
        policy = tab.request.get(served.page_url).headers["content-security-policy"]
        (found,) = [part for part in policy.split("; ") if part.startswith("frame-ancestors")]
        return str(found)

    assert ancestors(daemon) == f"frame-ancestors {wall.origin()} https://other.example"
    with running_daemon(*SOURCE, "--allow-origin", "null") as alone:
        assert ancestors(alone) == "frame-ancestors 'none'"


def test_the_dashboard_itself_reads_the_last_labels_with_the_token(
    tab: Any, wall: Dashboard, locked: Daemon
) -> None:
    tab.goto(wall.origin())
    read = """async ([url, token]) => {
      const headers = token === "" ? {} : { Authorization: `Bearer ${token}` };
      try {
        return await (await fetch(url, { headers })).text();
      } catch (error) {
        return String(error);
      }
    }"""
    health, metrics = f"{locked.page_url}healthz", f"{locked.page_url}metrics"
    assert "voice" in json.loads(tab.evaluate(read, [health, TOKEN]))["streams"]
    tab.wait_for_function(  # once the stream has said something
        f"async (request) => (await ({read})(request)).includes('emotiond_label')",
        arg=[metrics, TOKEN],
    )
    assert "streams" not in json.loads(tab.evaluate(read, [health, ""]))
    assert tab.evaluate(read, [metrics, "not the token"]) == "send the token\n"
    tab.goto(wall.origin("localhost"))
    assert "Failed to fetch" in tab.evaluate(read, [health, TOKEN])
    assert "Failed to fetch" in tab.evaluate(read, [health, ""])


@pytest.mark.parametrize(
    "settings",
    [
        {"block_third_party_cookies": True, "cookie_controls_mode": 1},
        {"default_content_setting_values": {"cookies": 2}},  # storage raises
    ],
    ids=["third-party", "all"],
)
def test_without_cookies_and_storage_the_token_holds_for_the_visit(
    chromium: Any, wall: Dashboard, locked: Daemon, tmp_path: Path, settings: dict[str, Any]
) -> None:
    path = next(found for name in NAMES if (found := shutil.which(name)))
    profile = tmp_path / "profile"
    (profile / "Default").mkdir(parents=True)
    (profile / "Default" / "Preferences").write_text(json.dumps({"profile": settings}))
    with ExitStack() as stack:
        browser = chromium.browser_type.launch_persistent_context(
            profile, executable_path=path, args=list(ARGUMENTS)
        )
        stack.callback(browser.close)
        tab = browser.pages[0]
        problems: list[str] = []
        tab.on("pageerror", lambda error: problems.append(str(error)))
        frame = framed(tab, wall, locked.page_url)
        expect(frame.locator("#link")).to_have_text("locked", timeout=PATIENCE_MS)
        frame.locator("#token-input").fill(TOKEN)
        tab.keyboard.press("Enter")
        expect(frame.locator("#link")).to_have_text("live", timeout=PATIENCE_MS)
        if "default_content_setting_values" in settings:
            with pytest.raises(sync_api.Error, match="sessionStorage"):
                tab.frames[1].evaluate("window.sessionStorage.length")
        assert problems == []
