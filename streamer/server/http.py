"""Plain HTTP on the WebSocket's port: page, health and metrics, read-only."""

from __future__ import annotations

import http
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from emotiond.streamer.server.prometheus import CONTENT_TYPE, Metric, exposition

if TYPE_CHECKING:  # moved in Python 3.11
    from importlib.resources.abc import Traversable

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
    "txt": "text/plain; charset=utf-8",
}

EVENTS = "/events"
"""The path of server-sent events."""
REPORT = "/model.html"
"""The path of the page about the model."""
_HEALTH, _METRICS = "/healthz", "/metrics"
READABLE = (_HEALTH, _METRICS, EVENTS)
"""The paths that allowed pages elsewhere may read."""
_PUBLIC_HEALTH = ("status", "version", "uptime_seconds")
BUSY = "too many connections here\n"
"""Says that a limit of connections is reached."""
_LONGEST_METHOD = 16  # bytes; longer than any method of HTTP

_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "require-trusted-types-for 'script'; base-uri 'none'; form-action 'none'; frame-ancestors "
)
_REPORT_POLICY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
"""A report comes with its model, perhaps from elsewhere: it shows, and does nothing."""
SECURITY_HEADERS = {
    "Content-Security-Policy": f"{_POLICY}'none'",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class Pages:
    """Answers GET and HEAD. It reads the files of the page once and keeps them in memory.

    Args:
        health: returns the content of ``/healthz``.
        metrics: returns the content of ``/metrics``.
        origins: the web pages elsewhere that may read ``/healthz`` and ``/metrics``, and that may
            show the page in a frame.
        report: the page about the model, in HTML; None without one.
    """

    def __init__(
        self,
        health: Callable[[], Mapping[str, Any]],
        metrics: Callable[[], Sequence[Metric]],
        origins: Collection[str] = (),
        report: bytes | None = None,
    ) -> None:
        self._health = health
        self._metrics = metrics
        self._origins = origins
        self._report = report
        ancestors = " ".join(origins) or "'none'"
        self._framed = {"Content-Security-Policy": f"{_POLICY}{ancestors}"}
        self._files = dict(_files(resources.files("emotiond") / "clients" / "web", "/"))

    def answer(self, method: str, request: Request, trusted: bool) -> Response:
        """Return the response to a request that is not for a WebSocket.

        Args:
            method: the method of the request.
            request: the whole request.
            trusted: whether the client has sent the token, or none is required.
        """
        if method not in ("GET", "HEAD"):
            return reading_only()
        path = request.path.partition("?")[0]
        readable = self.readable(request.headers.get_all("Origin"))
        if path == _HEALTH:
            health = self._health()
            if not trusted:
                health = {name: health[name] for name in _PUBLIC_HEALTH}
            body = json.dumps(health, indent=1).encode() + b"\n"
            return _response(200, "application/json", body, method, readable)
        if path == _METRICS:
            if not trusted:
                return token_wanted(method, readable)
            body = exposition(self._metrics()).encode()
            return _response(200, CONTENT_TYPE, body, method, readable)
        if path == REPORT and self._report is not None:
            return _response(200, _TYPES["html"], self._report, method, _REPORT_POLICY)
        found = self._files.get("/index.html" if path == "/" else path)
        if found is None:
            return respond(404, "there is no such page\n", method)
        return _response(200, *found, method, self._framed)

    def readable(self, asking: Sequence[str]) -> Mapping[str, str]:
        """Return the headers that let the one allowed page that asked read the answer."""
        headers = {"Vary": "Origin"} if self._origins else {}
        if len(asking) == 1 and asking[0].lower() in self._origins:
            headers["Access-Control-Allow-Origin"] = asking[0]
        return headers


def respond(
    status: int, text: str, method: str = "GET", headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response in plain text."""
    return _response(status, _TYPES["txt"], text.encode(), method, headers)


def token_wanted(method: str, headers: Mapping[str, str]) -> Response:
    """Return the answer to a request without the token."""
    return respond(401, "send the token\n", method, {"WWW-Authenticate": "Bearer", **headers})


def redirect(path: str, method: str) -> Response:
    """Return a response that leads to another path of the same server, for good."""
    return respond(308, "the page is one slash further\n", method, {"Location": path})


def reading_only() -> Response:
    """Return the answer to all methods that are not for reading."""
    return respond(405, "reading only\n", headers={"Allow": "GET, HEAD"})


def refusal(
    head: bytes, most_bytes: int, asked: Callable[[bytes], Response] = lambda _: reading_only()
) -> Response | None:
    """Check the start of a request before it is parsed. Returns None if it is acceptable.

    Args:
        head: the bytes so far, perhaps more than the request.
        most_bytes: the limit for line and headers.
        asked: answers the head of a request with the method OPTIONS.
    """
    method, space, _ = head.partition(b" ")
    if space and method not in (b"GET", b"HEAD", b"OPTIONS"):
        return reading_only()
    if not space and len(head) > _LONGEST_METHOD:
        return NOT_HTTP
    line_ends = head.find(b"\r\n\r\n")
    if (len(head) if line_ends < 0 else line_ends) > most_bytes:
        return respond(431, "line and headers are too large\n")
    if method == b"OPTIONS" and line_ends >= 0:
        return asked(head[:line_ends])
    return None


def _response(
    status: int,
    content_type: str,
    body: bytes,
    method: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    fields = {
        "Content-Type": content_type,
        "Content-Length": str(len(body)),
        "Connection": "close",
        **SECURITY_HEADERS,
        **(headers or {}),
    }
    phrase = http.HTTPStatus(status).phrase
    return Response(status, phrase, Headers(fields), b"" if method == "HEAD" else body)


NOT_HTTP = respond(400, "this is no request that HTTP allows here\n")
"""The answer to what cannot be understood."""


def _files(folder: Traversable, prefix: str) -> list[tuple[str, tuple[str, bytes]]]:
    """Return path, type and content of every file of the page; no other path is served."""
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _files(entry, f"{prefix}{entry.name}/")
        elif content_type := _TYPES.get(entry.name.rpartition(".")[2]):
            found.append((prefix + entry.name, (content_type, entry.read_bytes())))
    return found
