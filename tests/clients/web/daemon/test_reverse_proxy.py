"""The page of a real daemon behind a real nginx and a real Caddy, under a path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.conftest import DATA
from tests.support.caddy import running_caddy
from tests.support.daemon import DEMO, Daemon, running_daemon
from tests.support.free_port import free_port
from tests.support.ingress import ingress
from tests.support.nginx import needs_nginx, nginx

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = [pytest.mark.system, pytest.mark.peers, needs_nginx]

SOURCE = ("--source", f"voice={DEMO}", "--model", str(DATA / "tiny.tflite"), "--history", "off")


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with running_daemon(*SOURCE) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    issued = trustme.CA().issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    return folder


@pytest.fixture
def tab(chromium: Any) -> Iterator[Any]:
    """An empty tab that trusts any certificate."""
    context = chromium.new_context(ignore_https_errors=True)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("path", ["/", "/emotion/", "/a/b%20c/"])
@pytest.mark.parametrize("is_encrypted", [False, True], ids=["http", "https"])
def test_the_page_is_live_under_any_path(
    tab: Any, daemon: Daemon, pem: Path, tmp_path: Path, path: str, is_encrypted: bool
) -> None:
    paths = (path.replace("%20", " "),)
    with nginx(tmp_path, daemon.page_url, paths, pem if is_encrypted else None) as url:
        tab.goto(url + path)
        expect(tab.locator("#link")).to_have_text("live")
        expect(tab.locator("#fact-model")).not_to_have_text("–")


def test_two_daemons_of_one_proxy_keep_their_tokens_apart(tab: Any, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a token of some length\n")
    token.chmod(0o600)
    with (
        running_daemon(*SOURCE, "--token-file", str(token)) as daemon,
        nginx(tmp_path, daemon.page_url, ("/one/", "/two/")) as url,
    ):
        tab.goto(f"{url}/one/")
        tab.locator("#token-input").fill("a token of some length")
        tab.keyboard.press("Enter")
        expect(tab.locator("#link")).to_have_text("live")
        tab.goto(f"{url}/two/")
        expect(tab.locator("#link")).to_have_text("locked")
        tab.goto(f"{url}/one/")
        expect(tab.locator("#link")).to_have_text("live")


@pytest.mark.parametrize("path", ["/emotion/", "/emotion"])
def test_the_page_is_live_behind_caddy(tab: Any, daemon: Daemon, tmp_path: Path, path: str) -> None:
    port = free_port()
    site = (
        f":{port} {{\n redir /emotion /emotion/\n handle_path /emotion/* {{\n"
        f"  reverse_proxy 127.0.0.1:{daemon.port}\n }}\n}}\n"
    )
    with running_caddy(tmp_path, site, port):
        tab.goto(f"http://127.0.0.1:{port}{path}")
        expect(tab.locator("#link")).to_have_text("live")
        expect(tab.locator("#fact-model")).not_to_have_text("–")


def test_in_the_frame_of_home_assistant_the_page_is_whole(tab: Any, tmp_path: Path) -> None:
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    trusted = ("--trust-proxy", "127.0.0.1", "--allow-origin", origin)
    with (
        running_daemon(*SOURCE, *trusted) as daemon,
        ingress(daemon.port, port, tmp_path),
    ):
        tab.goto(origin)
        frame = tab.frame_locator("iframe")
        expect(frame.locator("#link")).to_have_text("live")
        expect(frame.locator("#files-toggle")).to_be_visible()
