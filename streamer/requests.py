"""What clients ask for: one frozen dataclass for each message, checked before it is acted on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inference.exceptions import EmotiondError
from inference.parsing import build

_LONGEST_PROBLEM = 200  # characters; what a client sent may stand in it


class RequestError(EmotiondError):
    """What a client asked for is not done; it is told so, and its connection stays open.

    Args:
        error: its code in docs/protocol.md.
        problem: as in every other error.
        remedy: the same.
        about: the type of the message; None where it has none that is known.
    """

    def __init__(self, error: str, problem: str, remedy: str, about: str | None = None) -> None:
        super().__init__(problem, remedy)
        self.error = error
        self.about = about

    def to_json(self, about: str | None) -> dict[str, Any]:
        """The message for the client; ``about`` serves where the error has none of its own."""
        return {
            "type": "error",
            "error": self.error,
            "detail": str(self),
            "about": self.about or about,
        }


class SenselessError(RequestError):
    """What a client sent makes no sense: after a few of these it is sent away."""


@dataclass(frozen=True)
class Auth:
    """The first message where a token is wanted; elsewhere it is ignored."""

    token: str


Request = Auth

REQUESTS: Mapping[str, type[Request]] = {cls.__name__.lower(): cls for cls in (Auth,)}
"""By the type of their message."""


def type_of(request: Request) -> str:
    """The type of a request's message."""
    return type(request).__name__.lower()


def parse(message: str | bytes) -> Request:
    """Read one message of a client.

    Raises:
        SenselessError: it is none that is known, or a field does not fit.
    """
    remedy = "See docs/protocol.md"
    if isinstance(message, bytes):
        raise SenselessError("bad-message", "binary messages are not expected", remedy)
    try:
        values = json.loads(message)
    except (ValueError, RecursionError):
        raise SenselessError("not-json", "the message is not JSON", remedy) from None
    kind = values.pop("type", None) if isinstance(values, dict) else None
    if not isinstance(kind, str):
        problem = "the message is not an object with a type"
        raise SenselessError("bad-message", problem, remedy)
    if kind not in REQUESTS:
        raise SenselessError("unknown-type", "no message of this type is known", remedy)
    try:
        return build(REQUESTS[kind], values)
    except ValueError as error:
        raise SenselessError("bad-message", str(error)[:_LONGEST_PROBLEM], remedy, kind) from None
