"""Plain HTTP on the WebSocket's port: the web page and the daemon's health. Reading only."""

from __future__ import annotations

import http
import json
from collections.abc import Callable, Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

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

_SECURITY = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; "
    "require-trusted-types-for 'script'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class Pages:
    """Answers GET and HEAD; the files are read once and held in memory.

    Args:
        health: gives the content of ``/healthz``.
    """

    def __init__(self, health: Callable[[], Mapping[str, Any]]) -> None:
        self._health = health
        self._files = dict(_files(resources.files("clients") / "web", "/"))

    def answer(self, method: str, request: Request) -> Response:
        """The response to a request that is not for a WebSocket."""
        if method not in ("GET", "HEAD"):
            return respond(405, "reading only\n", method, {"Allow": "GET, HEAD"})
        path = request.path.partition("?")[0]
        if path == "/healthz":
            body = json.dumps(self._health(), indent=1).encode() + b"\n"
            return _response(200, "application/json", body, method)
        found = self._files.get("/index.html" if path == "/" else path)
        if found is None:
            return respond(404, "there is no such page\n", method)
        return _response(200, *found, method)


def respond(
    status: int, text: str, method: str = "GET", headers: Mapping[str, str] | None = None
) -> Response:
    """A response in plain text."""
    return _response(status, _TYPES["txt"], text.encode(), method, headers)


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
        **_SECURITY,
        **(headers or {}),
    }
    phrase = http.HTTPStatus(status).phrase
    return Response(status, phrase, Headers(fields), b"" if method == "HEAD" else body)


def _files(folder: Traversable, prefix: str) -> list[tuple[str, tuple[str, bytes]]]:
    """Path, type and content of every file of the page: nothing else can be asked for."""
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _files(entry, f"{prefix}{entry.name}/")
        elif content_type := _TYPES.get(entry.name.rpartition(".")[2]):
            found.append((prefix + entry.name, (content_type, entry.read_bytes())))
    return found
