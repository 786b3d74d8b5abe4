"""The preflight of CORS: only the allowed page that asks may send the token."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.server.access import Access
from emotiond.streamer.server.preflight import answer_preflight
from tests.conftest import DATA
from tests.support.daemon import DEMO, Daemon, running_daemon

WALL = "https://wall.example"
ASKED = {"Origin": WALL, "Access-Control-Request-Method": "GET"}
ALLOWED = (WALL, "http://10.0.0.2:3000", "null")
ORIGINS = [part for origin in ALLOWED for part in ("--allow-origin", origin)]
SOURCE = ("--source", f"voice={DEMO}", "--model", str(DATA / "tiny.tflite"), "--history", "off")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    token = tmp_path_factory.mktemp("token") / "token"
    token.write_text("a token of some length")
    token.chmod(0o600)
    with running_daemon(*SOURCE, *ORIGINS, "--token-file", str(token)) as daemon:
        yield daemon


def ask(
    daemon: Daemon, path: str = "/metrics", headers: Mapping[str, str] = ASKED
) -> tuple[int, Any, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
    connection.request("OPTIONS", path, headers=dict(headers))
    response = connection.getresponse()
    return response.status, response.headers, response.read()


@pytest.mark.parametrize("origin", [WALL, "http://10.0.0.2:3000"])
@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/events", "/healthz?x=1"])
def test_the_allowed_page_may_send_the_token(daemon: Daemon, path: str, origin: str) -> None:
    wanted = {"Access-Control-Request-Headers": "authorization", "Origin": origin}
    status, headers, body = ask(daemon, path, {**ASKED, **wanted})
    assert (status, body) == (200, b"")
    assert headers["Access-Control-Allow-Origin"] == origin
    assert headers["Access-Control-Allow-Headers"] == "Authorization"
    assert headers["Access-Control-Allow-Methods"] == "GET, HEAD"
    assert headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("/metrics", {"Origin": "https://other.example"}),
        ("/metrics", {"Origin": "null"}),
        ("/metrics", {"Origin": "*"}),
        ("/metrics", {"Origin": f"{WALL}.evil.example"}),
        ("/metrics", {"Access-Control-Request-Method": "POST"}),
        ("/metrics", {"Host": "rebound.example"}),
        ("/", {}),
        ("/ws", {}),
        ("/metrics/", {}),
    ],
)
def test_any_other_request_is_refused(daemon: Daemon, path: str, changes: dict[str, str]) -> None:
    status, headers, _ = ask(daemon, path, {**ASKED, **changes})
    assert status == 405
    assert not any(name.lower().startswith("access-control") for name in headers)


def test_without_the_token_the_answer_itself_is_as_short_as_before(daemon: Daemon) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
    connection.request("GET", "/healthz", headers={"Origin": WALL})
    health = json.loads(connection.getresponse().read())
    assert health.keys() == {"status", "version", "uptime_seconds"}


@given(
    st.binary(max_size=200), st.sampled_from(["", "Origin: null", "Origin:", f"Origin: {WALL}x"])
)
def test_no_other_head_is_allowed(noise: bytes, origin: str) -> None:
    head = b"OPTIONS /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n" + origin.encode() + b"\r\n" + noise
    access = Access("127.0.0.1", (), ("https://unguessable-wall.example", "null"))
    assert answer_preflight(head, access, "127.0.0.1").status_code == 405
