"""Pages without a server; over sockets, see test_websocket_server.py and test_odd_requests.py."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from emotiond.streamer.server.http import SECURITY_HEADERS, Pages
from emotiond.streamer.server.prometheus import metric

HEALTH = {"status": "ok", "version": "1", "uptime_seconds": 2.0, "streams": {"mic": {}}}


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages(lambda: HEALTH, lambda: [metric("emotiond_healthy", "gauge", "x", (1, {}))])


def get(pages: Pages, path: str, method: str = "GET", trusted: bool = True) -> Response:
    return pages.answer(method, Request(path, Headers()), trusted)


def test_the_page_is_served_with_its_type_and_the_security_headers(pages: Pages) -> None:
    response = get(pages, "/?x=1")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert SECURITY_HEADERS.items() <= dict(response.headers.raw_items()).items()


@pytest.mark.parametrize("path", ["/none", "/../setup.cfg", "/%2e%2e/setup.cfg", "//index.html"])
def test_no_other_path_is_served(pages: Pages, path: str) -> None:
    assert get(pages, path).status_code == 404


def test_the_models_report_shows_and_does_nothing(pages: Pages) -> None:
    assert get(pages, "/model.html").status_code == 404
    response = get(Pages(dict, list, report=b"<p>figures"), "/model.html", trusted=False)
    assert (response.status_code, response.body) == (200, b"<p>figures")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "script" not in policy
    assert "frame-ancestors 'none'" in policy


def test_head_has_the_length_of_the_body_and_no_body(pages: Pages) -> None:
    head, whole = get(pages, "/", "HEAD"), get(pages, "/")
    assert head.body == b""
    assert head.headers["Content-Length"] == str(len(whole.body))


def test_other_methods_are_refused(pages: Pages) -> None:
    response = get(pages, "/", "POST")
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")


def test_without_the_token_health_is_short_and_metrics_are_refused(pages: Pages) -> None:
    def health(trusted: bool) -> Any:
        return json.loads(get(pages, "/healthz", trusted=trusted).body)

    assert health(trusted=True) == HEALTH
    assert health(trusted=False).keys() == {"status", "version", "uptime_seconds"}
    assert b"emotiond_healthy 1" in get(pages, "/metrics").body
    assert get(pages, "/metrics", trusted=False).status_code == 401
