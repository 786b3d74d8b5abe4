"""The requests of clients: one frozen dataclass per message, validated when it is parsed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from emotiond.exceptions import EmotiondError
from emotiond.inference.parsing import build
from emotiond.streamer.daemon_names import MOST_CHARACTERS, is_name
from emotiond.streamer.protocol.names import problem_of

LOWEST_RATE, HIGHEST_RATE = 8_000, 192_000  # Hz
MOST_CHANNELS = 64
LONGEST_NAME = 200  # characters
_FURTHEST = 2**53  # place in a file
_LONGEST_PROBLEM = 200  # characters; a problem may quote what a client sent

Format = Literal["s16le", "f32le"]
"""Signed 16-bit integers, or floats from -1 to 1; both little-endian."""


class RequestError(EmotiondError):
    """A request is refused. The client gets an error message and keeps its connection.

    Args:
        error: the code in docs/protocol.md.
        problem: see :class:`EmotiondError`.
        remedy: see :class:`EmotiondError`.
        about: the type of the request; None if it is unknown.
    """

    def __init__(self, error: str, problem: str, remedy: str, about: str | None = None) -> None:
        super().__init__(problem, remedy)
        self.error = error
        self.about = about

    def to_json(self, about: str | None) -> dict[str, Any]:
        """Return the message for the client. ``about`` is the default for the error's own."""
        return {
            "type": "error",
            "error": self.error,
            "detail": str(self),
            "about": self.about or about,
        }


class SenselessError(RequestError):
    """A message makes no sense. After a few of these the client is disconnected."""


@dataclass(frozen=True)
class Auth:
    """The token. It must be the first message where one is required; elsewhere it is ignored."""

    token: str


@dataclass(frozen=True)
class Redeem:
    """The code of a pairing, in place of the token: the device gets a token of its own."""

    code: str


@dataclass(frozen=True)
class Pair:
    """Asks for a code with which a device can be paired.

    Raises:
        ValueError: no device can be called so.
    """

    name: str = ""
    """What the device will be called; empty for the next free ``phone``."""

    def __post_init__(self) -> None:
        if self.name and not is_name(self.name):
            raise ValueError(
                f"'name' must have 1 to {MOST_CHARACTERS} letters, digits, spaces, '-', '_' and "
                "'.', a letter or digit first and last"
            )


@dataclass(frozen=True)
class CancelPairing:
    """Ends the code that this connection has asked for."""


@dataclass(frozen=True)
class ListDevices:
    """Asks for the list of paired devices."""


@dataclass(frozen=True)
class Revoke:
    """Lets a paired device in no more, and closes its connections."""

    name: str


@dataclass(frozen=True)
class Ping:
    """Asks for a ``pong``. Pages cannot send the pings of WebSocket itself."""


@dataclass(frozen=True)
class Start:
    """Starts an upload; its audio follows in binary messages.

    Raises:
        ValueError: a value is out of range.
    """

    purpose: Literal["live", "file"]
    """``live``: audio as it is spoken; ``file``: as fast as inference goes, without loss."""
    sample_rate: int
    """Hz."""
    format: Format
    name: str = ""
    """A name to show; the stream's own if it is published."""
    publish: bool = False
    """Whether all clients get the events, instead of this client alone."""
    duration: float | None = None
    """Seconds of audio that will come, if known."""
    channels: int = 1
    """The samples of all channels at one time stand together. They are mixed to mono."""

    def __post_init__(self) -> None:
        if not LOWEST_RATE <= self.sample_rate <= HIGHEST_RATE:
            raise ValueError(f"'sample_rate' must be {LOWEST_RATE} to {HIGHEST_RATE}")
        if not 1 <= self.channels <= MOST_CHANNELS:
            raise ValueError(f"'channels' must be 1 to {MOST_CHANNELS}")
        if len(self.name) > LONGEST_NAME:
            raise ValueError(f"'name' must have {LONGEST_NAME} characters at most")
        problem = problem_of(self.name) if self.publish else None
        if problem is not None:
            raise ValueError(f"'name' of a published stream {problem}")
        if self.duration is not None and self.duration < 0:
            raise ValueError("'duration' must not be negative")


@dataclass(frozen=True)
class Audio:
    """A binary message: samples of the client's upload."""

    data: bytes


@dataclass(frozen=True)
class End:
    """Ends the upload after the audio that was sent."""


@dataclass(frozen=True)
class Cancel:
    """Aborts the upload."""


@dataclass(frozen=True)
class ListHistory:
    """Asks for the list of analysed files, now and whenever one is deleted."""


@dataclass(frozen=True)
class Recall:
    """Asks for the events of a file in the history."""

    id: int


@dataclass(frozen=True)
class Forget:
    """Deletes files from the history."""

    ids: tuple[int, ...]


@dataclass(frozen=True)
class ListSessions:
    """Asks for the list of recorded sessions."""


@dataclass(frozen=True)
class AskSession:
    """Asks for a piece of a recorded session.

    Raises:
        ValueError: a value is out of range.
    """

    id: str
    after: int = 0
    """The place behind the piece before; 0 for the first one."""

    def __post_init__(self) -> None:
        if not 0 <= self.after <= _FURTHEST:
            raise ValueError(f"'after' must be 0 to {_FURTHEST}")


@dataclass(frozen=True)
class DeleteSessions:
    """Deletes the files of recorded sessions."""

    ids: tuple[str, ...]


@dataclass(frozen=True)
class AskPast:
    """Asks for a piece of what is kept of a public stream."""

    stream: str
    before: int | None = None
    """The ``seq`` before which the piece ends; None for the newest piece."""

    def __post_init__(self) -> None:
        if self.before is not None and self.before < 0:
            raise ValueError("'before' must not be negative")


@dataclass(frozen=True)
class Erase:
    """Forgets what is kept of a public stream."""

    stream: str


@dataclass(frozen=True)
class Mute:
    """Closes the daemon's microphone, or opens it again."""

    muted: bool


@dataclass(frozen=True)
class AskRooms:
    """Asks for the followed daemons and their streams, now and from now on."""


Request = (
    Auth
    | Redeem
    | Pair
    | CancelPairing
    | ListDevices
    | Revoke
    | Ping
    | Start
    | Audio
    | End
    | Cancel
    | ListHistory
    | Recall
    | Forget
    | ListSessions
    | AskSession
    | DeleteSessions
    | AskPast
    | Erase
    | Mute
    | AskRooms
)

REQUESTS: Mapping[str, type[Request]] = {
    "auth": Auth,
    "redeem": Redeem,
    "pair": Pair,
    "cancel-pairing": CancelPairing,
    "devices": ListDevices,
    "revoke": Revoke,
    "ping": Ping,
    "start": Start,
    "end": End,
    "cancel": Cancel,
    "history": ListHistory,
    "recall": Recall,
    "forget": Forget,
    "sessions": ListSessions,
    "session": AskSession,
    "delete-sessions": DeleteSessions,
    "past": AskPast,
    "erase": Erase,
    "mute": Mute,
    "rooms": AskRooms,
}
"""The requests that come as text messages, by type."""

_TYPES: Mapping[type[Request], str] = {cls: kind for kind, cls in REQUESTS.items()}


def type_of(request: Request) -> str:
    """Return the type of a request's message; ``audio`` for a binary one."""
    return _TYPES.get(type(request), "audio")


def parse(message: str | bytes) -> Request:
    """Parse one message of a client.

    Raises:
        SenselessError: the type is unknown, or a field is wrong.
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
