"""Answers browsers that ask before a request of an allowed page: the preflight of CORS."""

from __future__ import annotations

from websockets.http11 import Response

from emotiond.streamer.server.access import Access
from emotiond.streamer.server.http import READABLE, reading_only, respond

_LASTS_SECONDS = 600


def answer_preflight(head: bytes, access: Access, reached_address: str) -> Response:
    """Return the answer to a request with the method OPTIONS.

    Only the allowed web page that asks may send the token, and only to what it may read. All else
    gets 405, as other methods do.

    Args:
        head: line and headers of the request.
        access: knows the allowed names and pages.
        reached_address: the address of this machine that the client connected to.
    """
    line, *fields = head.decode("latin-1").split("\r\n")
    target = line.split(" ")[1].partition("?")[0] if line.count(" ") == 2 else ""

    def only(wanted: str) -> str:
        """Return the value of a header that occurs once, or an empty text."""
        pairs = (field.partition(":") for field in fields)
        values = [value.strip() for name, _, value in pairs if name.lower() == wanted]
        return values[0] if len(values) == 1 else ""

    origin = only("origin")
    is_allowed = (
        target in READABLE
        and access.host_is_known(only("host"), reached_address)
        and origin.lower() in access.web_origins
        and only("access-control-request-method") in ("GET", "HEAD")
    )
    if not is_allowed:
        return reading_only()
    return respond(
        200,
        "",
        headers={
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "GET, HEAD",
            "Access-Control-Allow-Headers": "Authorization",
            "Access-Control-Max-Age": str(_LASTS_SECONDS),
            "Vary": "Origin",
        },
    )
