"""The whole way of a phone: the code, the page, its own token and the end of it, in a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.daemon import Daemon
from tests.support.paired import TOKEN, Home, Talk, code_of, make_home, running_home, talking
from tests.support.qr import read_qr

expect = pytest.importorskip("playwright.sync_api").expect
pytest.importorskip("segno", reason="needs the extra 'pair'")

pytestmark = pytest.mark.system

CODE_READ = """() => {
  const path = document.getElementById("pairing-modules");
  const box = document.getElementById("pairing-code").viewBox.baseVal;
  const point = (x, y) => path.isPointInFill(new DOMPoint(x + 0.5, y + 0.5));
  const range = [...Array(box.width).keys()];
  return range.map((y) => range.map((x) => (point(x, y) ? "1" : "0")).join(""));
}"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def daemon(home: Home) -> Iterator[Daemon]:
    with running_home(home) as daemon:
        yield daemon


@pytest.fixture
def owner(home: Home, daemon: Daemon) -> Iterator[Talk]:
    with talking(home, daemon) as talk:
        talk.until("hello")
        yield talk


@pytest.fixture
def browse(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open pages of devices, each with a store of its own."""
    opened: list[Any] = []

    def open_context(width: int = 360, height: int = 740) -> Any:
        context = chromium.new_context(
            ignore_https_errors=True,
            viewport={"width": width, "height": height},
            reduced_motion="reduce",
        )
        opened.append(context)
        return context

    yield open_context
    for context in opened:
        context.close()


def test_a_scanned_code_pairs_the_phone_until_it_is_revoked(
    daemon: Daemon, owner: Talk, browse: Callable[..., Any]
) -> None:
    offer = owner.ask("pairing", "pair", name="Anna phone")
    context = browse()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url + str(request.headers)))
    page.goto(offer["url"])
    assert owner.until("pairing-ended") == {
        "type": "pairing-ended", "name": "Anna phone", "reason": "used",
    }  # fmt: skip
    expect(page.locator("#link")).to_have_text("live")
    expect(page.locator("#notice-text")).to_contain_text("paired as “Anna phone”")
    assert page.url == f"https://localhost:{daemon.port}/"
    assert not [each for each in asked if code_of(offer) in each]
    expect(page.locator("#phone")).to_be_hidden()  # only the owner pairs
    page.go_back()
    assert code_of(offer) not in page.url
    page.close()
    page = context.new_page()  # the tab is gone, the phone is still paired
    page.goto(f"https://localhost:{daemon.port}/")
    expect(page.locator("#link")).to_have_text("live")
    expect(page.get_by_role("dialog")).to_be_hidden()
    owner.ask("devices", "revoke", name="Anna phone")
    expect(page.locator("#link")).to_have_text("locked")
    expect(page.get_by_role("alert")).to_contain_text("This device is not paired any more.")
    page.reload()
    expect(page.get_by_role("dialog", name="The daemon’s token")).to_be_visible()
    expect(page.locator("#token-wrong")).to_be_empty()


def test_a_used_code_is_said_to_be_so_and_the_token_still_opens(
    owner: Talk, browse: Callable[..., Any]
) -> None:
    offer = owner.ask("pairing", "pair")
    first, second = browse().new_page(), browse().new_page()
    first.goto(offer["url"])
    expect(first.locator("#link")).to_have_text("live")
    second.goto(offer["url"])
    expect(second.get_by_role("alert")).to_contain_text("This code is used or too old.")
    second.get_by_label("Token", exact=True).fill(TOKEN)
    second.get_by_role("button", name="Listen").click()
    expect(second.locator("#link")).to_have_text("live")
    first.goto(offer["url"])  # from the phone's own history: it is paired already
    expect(first.locator("#link")).to_have_text("live")
    assert "#" not in first.url


def test_a_code_that_is_opened_in_the_open_tab_is_taken(
    daemon: Daemon, owner: Talk, browse: Callable[..., Any]
) -> None:
    page = browse().new_page()
    page.goto(f"https://localhost:{daemon.port}/")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.goto(owner.ask("pairing", "pair")["url"])
    expect(page.locator("#link")).to_have_text("live")


@pytest.mark.parametrize("width", [360, 1440])
def test_the_owner_shows_a_code_on_the_page(
    daemon: Daemon, browse: Callable[..., Any], violations: Callable[[Any], list[str]], width: int
) -> None:
    page = browse(width, 740).new_page()
    page.goto(f"https://localhost:{daemon.port}/")
    page.get_by_label("Token", exact=True).fill(TOKEN)
    page.get_by_role("button", name="Listen").click()
    page.get_by_role("button", name="Phone").click()
    dialog = page.get_by_role("dialog", name="Pair a phone")
    dialog.get_by_label("Its name").fill(f"phone of {width}")
    dialog.get_by_role("button", name="Show the code").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    expect(page.locator("#pairing-state")).to_contain_text("Valid once, for ")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []
    url = read_qr(page.evaluate(CODE_READ))
    phone = browse().new_page()
    phone.goto(url)
    expect(phone.locator("#link")).to_have_text("live")
    expect(page.locator("#pairing-state")).to_have_text(f"phone of {width} is paired.")
    dialog.get_by_label("Its name").fill(f"phone of {width}")
    dialog.get_by_role("button", name="Show the code").click()
    expect(page.locator("#pairing-state")).to_contain_text("is paired already")
    paired = dialog.get_by_role("listitem").filter(has_text=f"phone of {width}")
    expect(paired).to_contain_text("connected now")
    paired.get_by_role("button").click()
    paired.get_by_role("button", name=f"Revoke it? phone of {width}").click()
    expect(page.locator("#pairing-state")).to_have_text(f"phone of {width} is let in no more.")
    expect(paired).to_have_count(0)
    expect(phone.locator("#link")).to_have_text("locked")
    expect(phone.get_by_role("alert")).to_contain_text("This device is not paired any more.")


def test_a_closed_dialog_ends_its_code(
    home: Home, daemon: Daemon, browse: Callable[..., Any]
) -> None:
    page = browse(1440, 900).new_page()
    page.goto(f"https://localhost:{daemon.port}/")
    page.get_by_label("Token", exact=True).fill(TOKEN)
    page.get_by_role("button", name="Listen").click()
    page.get_by_role("button", name="Phone").click()
    page.get_by_role("button", name="Show the code").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    url = read_qr(page.evaluate(CODE_READ))
    page.get_by_role("button", name="Close", exact=True).last.click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    with talking(home, daemon, "redeem", code=url.partition("#pair=")[2]) as device:
        assert device.closing()[0] == 4401
