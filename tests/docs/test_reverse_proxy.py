"""docs/reverse-proxy.md: its configurations, run as they stand there, in real proxies."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
import trustme
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from emotiond.clients.tls import guarded
from emotiond.streamer.outputs.websocket import WEBSOCKET
from emotiond.streamer.server.forwarding import MOST_HOPS, WAYS
from emotiond.streamer.settings.layers import make_config
from tests.conftest import DATA
from tests.support.caddy import running_caddy
from tests.support.caller import Caller, pcm
from tests.support.daemon import DEMO, PATIENCE_SECONDS, Daemon, running_daemon
from tests.support.free_port import free_port
from tests.support.ingress import ingress
from tests.support.nginx import running_nginx
from tests.support.programs import skip_without
from tests.support.signals import demo

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reverse-proxy.md").read_text("utf-8")
NGINX = re.findall(r"```nginx\n(.*?)```", PAGE, re.DOTALL)
CADDY = re.findall(r"```caddyfile\n(.*?)```", PAGE, re.DOTALL)
CONNECTIONS = 20
SOURCE = ("--source", f"voice={DEMO}", "--model", str(DATA / "tiny.tflite"), "--history", "off")
LIMITED = ("--max-connections", str(CONNECTIONS), "--trust-proxy", "127.0.0.1")
VISITOR, OTHER = "127.0.0.9", "127.0.0.10"
"""Addresses of this machine. They stand for visitors from elsewhere: only 127.0.0.1 is trusted."""


@dataclass(frozen=True)
class Proxied:
    """A page behind a proxy."""

    url: str
    """The address of the page, with its last slash."""
    trust: ssl.SSLContext | None

    def get(self, url: str, visitor: str = VISITOR, **headers: str) -> tuple[int, str, bytes]:
        """Return status, ``Location`` and content, without following it."""
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        made: http.client.HTTPConnection = (
            http.client.HTTPConnection(
                parts.hostname, parts.port, PATIENCE_SECONDS, source_address=(visitor, 0)
            )
            if self.trust is None
            else http.client.HTTPSConnection(
                parts.hostname,
                parts.port,
                timeout=PATIENCE_SECONDS,
                source_address=(visitor, 0),
                context=self.trust,
            )
        )
        with contextlib.closing(made):
            made.request("GET", parts.path or "/", headers=headers)
            answer = made.getresponse()
            return answer.status, answer.headers.get("Location", ""), answer.read()

    def websocket(self, visitor: str = VISITOR, **headers: str) -> ClientConnection:
        """Connect as the page does: with an address relative to it, and its origin."""
        address = urljoin(self.url, "ws")
        return connect(
            address.replace("http", "ws", 1),
            source_address=(visitor, 0),
            origin=self.url.partition("//")[0] + "//" + urlsplit(self.url).netloc,  # type: ignore[arg-type]
            additional_headers=headers,
            ssl=self.trust,
            max_size=None,
        )


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with running_daemon(*SOURCE, *LIMITED) as daemon:
        yield daemon


SITES = [
    pytest.param("nginx", 0, "/emotion/", id="nginx-path"),
    pytest.param("nginx", 1, "/", id="nginx-site-https"),
    pytest.param("nginx", 2, "/emotion/", id="nginx-path-kept"),
    pytest.param("caddy", 0, "/emotion/", id="caddy-path"),
    pytest.param("caddy", 1, "/", id="caddy-site"),
]


@contextlib.contextmanager
def proxied(kind: str, number: int, path: str, daemon: Daemon, folder: Path) -> Iterator[Proxied]:
    """Run a configuration of the page. Only ports and the certificate's files are others."""
    skip_without(kind)
    text, port, trust = (NGINX if kind == "nginx" else CADDY)[number], free_port(), None
    for written, ours in (
        (r"127\.0\.0\.1:8765", f"127.0.0.1:{daemon.port}"),
        (r"(?<=listen )(?=8)|^(?=:8080)", "127.0.0.1:" if kind == "nginx" else ""),
        (r"\b8080\b|\b8443\b", str(port)),
    ):
        text, count = re.subn(written, ours, text)
        assert count == 1
    if " ssl;" in text:
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1")
        issued.private_key_pem.write_to_path(str(folder / "home.key"))
        issued.cert_chain_pems[0].write_to_path(str(folder / "home.pem"))
        text = text.replace("/etc/ssl/", f"{folder}/")
        trust = guarded(ssl.create_default_context())
        authority.configure_trust(trust)
    run = running_nginx if kind == "nginx" else running_caddy
    with run(folder, text, port):
        yield Proxied(f"http{'s' if trust else ''}://127.0.0.1:{port}{path}", trust)


def ways(daemon: Daemon) -> dict[str, int]:
    """The requests that the daemon has counted, seen from beside it."""
    made = http.client.HTTPConnection("127.0.0.1", daemon.port, PATIENCE_SECONDS)
    with contextlib.closing(made):
        made.request("GET", "/healthz")
        counts: dict[str, int] = json.load(made.getresponse())["requests"]
        return counts


@pytest.mark.peers
@pytest.mark.parametrize(("kind", "number", "path"), SITES)
class TestEachConfiguration:
    def test_brings_page_parts_and_events(
        self, kind: str, number: int, path: str, daemon: Daemon, tmp_path: Path
    ) -> None:
        with proxied(kind, number, path, daemon, tmp_path) as site:
            before = ways(daemon)
            status, _, page = site.get(site.url)
            assert (status, b"<title>" in page) == (200, True)
            found = re.findall(rb'(?:src|href)="([^"#]+)"', page)
            assert len(found) > 3
            for part in found:
                assert site.get(urljoin(site.url, part.decode()))[0] == 200
            assert site.get(urljoin(site.url, "no-such-page"))[0] == 404
            with site.websocket() as client:
                assert json.loads(client.recv(PATIENCE_SECONDS))["type"] == "hello"
            after = ways(daemon)
            assert after["named"] - before["named"] == len(found) + 3
            assert after["unnamed"] == before["unnamed"]
            assert after["untrusted"] == 0

    def test_leads_from_the_path_without_its_slash_to_the_page(
        self, kind: str, number: int, path: str, daemon: Daemon, tmp_path: Path
    ) -> None:
        with proxied(kind, number, path, daemon, tmp_path) as site:
            without = site.url.rstrip("/")
            status, location, _ = site.get(without)
            if path == "/":
                assert status == 200
            else:
                assert status in (301, 302, 308)
                assert urljoin(without, location) == site.url

    def test_takes_a_file(
        self, kind: str, number: int, path: str, daemon: Daemon, tmp_path: Path
    ) -> None:
        with proxied(kind, number, path, daemon, tmp_path) as site, site.websocket() as client:
            caller = Caller(client)
            stream = caller.start()
            caller.send(pcm(demo()[: 3 * 16_000]))
            caller.say("end")
            assert caller.until("analysis")["stream"] == stream

    def test_a_visitor_has_limits_of_its_own_whatever_it_says(
        self, kind: str, number: int, path: str, daemon: Daemon, tmp_path: Path
    ) -> None:
        with (
            proxied(kind, number, path, daemon, tmp_path) as site,
            contextlib.ExitStack() as stack,
        ):
            for count in range(CONNECTIONS // 4):
                spoofed = {"X-Forwarded-For": f"203.0.113.{count}", "Forwarded": "for=127.0.0.1"}
                client = stack.enter_context(site.websocket(**spoofed))
                client.recv(PATIENCE_SECONDS)
            with pytest.raises(InvalidStatus) as refused:
                site.websocket(**{"X-Forwarded-For": "127.0.0.1"})
            assert refused.value.response.status_code == 503
            assert site.get(site.url)[0] == 503
            assert site.get(site.url, OTHER)[0] == 200
            with site.websocket(OTHER) as other:
                assert json.loads(other.recv(PATIENCE_SECONDS))["type"] == "hello"

    def test_no_header_stands_in_for_host_and_origin(
        self, kind: str, number: int, path: str, daemon: Daemon, tmp_path: Path
    ) -> None:
        with proxied(kind, number, path, daemon, tmp_path) as site:
            claims = {"X-Forwarded-Host": "127.0.0.1", "X-Forwarded-Proto": "https"}
            unknown = site.get(site.url, Host="foreign.example", **claims)
            assert (unknown[0], b"--allow-host foreign.example" in unknown[2]) == (421, True)
            question = urljoin(site.url, "ws")
            assert site.get(question, Origin="https://foreign.example", **claims)[0] == 403


@pytest.mark.peers
def test_the_headers_of_home_assistant_s_ingress_name_the_visitor(
    daemon: Daemon, tmp_path: Path
) -> None:
    with ingress(daemon.port, free_port(), tmp_path) as url, contextlib.ExitStack() as stack:
        site = Proxied(url, None)
        before = ways(daemon)
        for count in range(CONNECTIONS // 4):
            spoofed = {"X-Forwarded-For": f"203.0.113.{count}", "X-Ingress-Path": "/other"}
            client = stack.enter_context(site.websocket(**spoofed))
            assert json.loads(client.recv(PATIENCE_SECONDS))["type"] == "hello"
        assert site.get(site.url)[0] == 503
        assert site.get(site.url, OTHER)[0] == 200
        assert site.get(urljoin(site.url, "app.js"), OTHER)[0] == 200
        with site.websocket(OTHER) as other:
            caller = Caller(other)
            caller.start()
            caller.send(pcm(demo()[: 3 * 16_000]))
            caller.say("end")
            caller.until("analysis")
        assert ways(daemon)["named"] - before["named"] == CONNECTIONS // 4 + 4


@pytest.mark.peers
def test_a_proxy_that_is_not_trusted_changes_no_limit(tmp_path: Path) -> None:
    with (
        running_daemon(*SOURCE, "--max-connections", str(CONNECTIONS)) as daemon,
        proxied("nginx", 0, "/emotion/", daemon, tmp_path) as site,
    ):
        with contextlib.ExitStack() as stack:
            for _ in range(CONNECTIONS // 2):
                stack.enter_context(site.websocket()).recv(PATIENCE_SECONDS)
        assert ways(daemon)["untrusted"] == CONNECTIONS // 2


def test_the_start_line_says_who_lets_visitors_in(daemon: Daemon) -> None:
    assert "every user of this machine, and all whom the proxy at 127.0.0.1 lets in" in (
        daemon.stderr
    )


def test_all_configurations_are_run() -> None:
    assert (len(NGINX), len(CADDY)) == (3, 2)
    assert [(site.values[0], site.values[1]) for site in SITES] == [
        *(("nginx", number) for number in range(len(NGINX))),
        *(("caddy", number) for number in range(len(CADDY))),
    ]


def test_the_settings_for_home_assistant_are_settings(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "emotiond.toml"
    file.write_text(text)
    settings = make_config({"config": str(file)}, {}).settings_of(WEBSOCKET)
    assert settings.trust_proxy == ("172.30.32.0/23",)


def test_the_page_s_numbers_and_ways_are_those_of_the_code() -> None:
    assert f"The nearest {MOST_HOPS} addresses" in PAGE
    assert tuple(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == WAYS
