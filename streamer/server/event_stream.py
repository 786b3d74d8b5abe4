"""Server-sent events at ``/events``, for programs without WebSockets.

websockets answers a plain request at once and closes its connection. It takes an answer with the
status 101 for a WebSocket that is open, and leaves the connection to the server. So the head of an
event stream says 101 to websockets, and 200 to the client.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from websockets.datastructures import Headers
from websockets.http11 import Response

from emotiond.streamer.server.http import SECURITY_HEADERS

if TYPE_CHECKING:
    from emotiond.streamer.hub import Message
    from emotiond.streamer.server.connection import Connection
    from emotiond.streamer.server.limits import Limits

_HEARTBEAT = b":\n\n"  # a comment: proxies give up connections on which nothing comes
_ANOTHER_SITE = ("cross-site", "same-site")


class EventStreamHead(Response):
    """The head of an event stream. Its body ends with the connection, in HTTP/1.0 and 1.1.

    Args:
        headers: further ones.
        opens: whether the events follow, which they do not after HEAD.
    """

    def __init__(
        self, headers: Mapping[str, str] = MappingProxyType({}), opens: bool = True
    ) -> None:
        fields = {
            "Content-Type": "text/event-stream",
            "Connection": "close",
            "X-Accel-Buffering": "no",  # nginx would hold events back
            **SECURITY_HEADERS,
            "Cache-Control": "no-store",
            **headers,
        }
        super().__init__(101 if opens else 200, "OK", Headers(fields), b"")

    def serialize(self) -> bytes:
        """Return the head as the client gets it."""
        return b"HTTP/1.1 200 OK\r\n" + self.headers.serialize()


class EventStreams:
    """All clients that read events. They can send nothing.

    Args:
        greeting: returns the first messages for a new client: ``hello`` and the last events.
        limits: the limits of all clients.
    """

    def __init__(self, greeting: Callable[[], Sequence[str]], limits: Limits) -> None:
        self._greeting = greeting
        self._limits = limits
        self._readers: dict[Connection, None] = {}

    @property
    def count(self) -> int:
        """Number of clients that read events now."""
        return len(self._readers)

    @property
    def readers(self) -> Sequence[Connection]:
        """These clients."""
        return tuple(self._readers)

    async def serve(self, reader: Connection) -> None:
        """Send the greeting and all events, until the connection has ended."""
        for text in self._greeting():  # no await before the next line: no event is missed
            reader.send_frame(_encode_text(text))
        self._readers[reader] = None
        try:
            while not await _ends_in(reader, self._limits.ping_seconds):
                reader.send_frame(_HEARTBEAT)
        finally:
            self._readers.pop(reader, None)

    def send(self, message: Message) -> None:
        """Send a message, encoded once, to every reader. Those too far behind are dropped.

        What a client publishes goes only to those who have nothing unread in the daemon: a slow
        one misses it, and stays connected.
        """
        if not self._readers:
            return
        event = encode(message.type, message.stream, message.event.seq, message.text)
        for reader in self._readers:
            if message.publisher is None or not reader.transport.get_write_buffer_size():
                reader.send_frame(event)


def encode(kind: str, stream: str | None, seq: int | None, text: str) -> bytes:
    """Return an event. Its text has no line breaks; the stream's name may hold anything."""
    lines = [f"event: {kind}", f"data: {text}"]
    if stream is not None:
        lines.append(f"id: {quote(stream, safe='', errors='backslashreplace')}:{seq}")
    return "\n".join((*lines, "", "")).encode()


def comes_from_another_site(site: Sequence[str], origins: Sequence[str]) -> bool:
    """Return whether a browser says so of a request without an origin, such as one for an image.

    Args:
        site: the values of the header ``Sec-Fetch-Site``.
        origins: those of ``Origin``.
    """
    return not origins and any(value.lower() in _ANOTHER_SITE for value in site)


def _encode_text(text: str) -> bytes:
    """Return the event of a message of which only the text is known."""
    message: Mapping[str, Any] = json.loads(text)
    return encode(message["type"], message.get("stream"), message.get("seq"), text)


async def _ends_in(connection: Connection, seconds: float) -> bool:
    try:
        await asyncio.wait_for(connection.wait_closed(), seconds)
    except asyncio.TimeoutError:
        return False
    return True
