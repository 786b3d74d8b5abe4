"""What clients ask for: one frozen dataclass for each message, checked before it is acted on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from emotiond.exceptions import EmotiondError
from emotiond.inference.parsing import build

LOWEST_RATE, HIGHEST_RATE = 8_000, 192_000  # Hz
LONGEST_NAME = 200  # characters
_LONGEST_PROBLEM = 200  # characters; what a client sent may stand in it

Format = Literal["s16le", "f32le"]
"""Signed 16-bit integers, or floats from -1 to 1; both little-endian and mono."""


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


@dataclass(frozen=True)
class Start:
    """Sound will come, in binary messages.

    Raises:
        ValueError: a value is out of range.
    """

    purpose: Literal["live", "file"]
    """``live``: as it is spoken; ``file``: as fast as it is judged, losing nothing."""
    sample_rate: int
    """Hz."""
    format: Format
    name: str = ""
    """For people only."""
    publish: bool = False
    """Whether all who listen get its events, and not this client alone."""
    duration: float | None = None
    """Seconds of sound that will come, if that is known."""

    def __post_init__(self) -> None:
        if not LOWEST_RATE <= self.sample_rate <= HIGHEST_RATE:
            raise ValueError(f"'sample_rate' must be {LOWEST_RATE} to {HIGHEST_RATE}")
        if len(self.name) > LONGEST_NAME:
            raise ValueError(f"'name' must have {LONGEST_NAME} characters at most")
        if self.duration is not None and self.duration < 0:
            raise ValueError("'duration' must not be negative")


@dataclass(frozen=True)
class Audio:
    """A binary message: samples of the stream that this client has started."""

    data: bytes


@dataclass(frozen=True)
class End:
    """No more sound comes."""


@dataclass(frozen=True)
class Cancel:
    """The stream is not wanted any more."""


@dataclass(frozen=True)
class ListHistory:
    """The files that were analysed are wanted, and the list again whenever one is forgotten."""


@dataclass(frozen=True)
class Recall:
    """The events of a file of the history are wanted."""

    id: int


@dataclass(frozen=True)
class Forget:
    """Files of the history are not to be kept any longer."""

    ids: tuple[int, ...]


@dataclass(frozen=True)
class Mute:
    """The daemon's microphone is to be closed, or opened again."""

    muted: bool


Request = Auth | Start | Audio | End | Cancel | ListHistory | Recall | Forget | Mute

REQUESTS: Mapping[str, type[Request]] = {
    "auth": Auth,
    "start": Start,
    "end": End,
    "cancel": Cancel,
    "history": ListHistory,
    "recall": Recall,
    "forget": Forget,
    "mute": Mute,
}
"""Those of text messages, by their type."""

_TYPES: Mapping[type[Request], str] = {cls: kind for kind, cls in REQUESTS.items()}


def type_of(request: Request) -> str:
    """The type of a request's message; ``audio`` for a binary one."""
    return _TYPES.get(type(request), "audio")


def parse(message: str | bytes) -> Request:
    """Read one message of a client.

    Raises:
        SenselessError: it is none that is known, or a field does not fit.
    """
    remedy = "See docs/protocol.md"
    if isinstance(message, bytes):
        return Audio(message)
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
