"""One connection to another daemon, within limits, and why it failed."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.frames import Frame
from websockets.protocol import Event as WireEvent

from emotiond.streamer.background import run_in_background
from emotiond.streamer.protocol.checks import MessageError
from emotiond.streamer.reach import is_loopback
from emotiond.streamer.rooms.followed import Followed
from emotiond.streamer.rooms.received import OtherProtocolError
from emotiond.streamer.server.limits import Limits

FRAMES_PER_SECOND, FRAMES_AT_ONCE = 200.0, 400
"""Of another daemon, pings and fragments included."""
FRAME_BYTES = 1024
"""A longer frame counts once for each so many bytes: JSON takes time by its length."""
OPEN_SECONDS = 10.0
"""For its name, the connection, TLS and the handshake, and again for ``hello``."""
PING_SECONDS = 5.0
"""Between pings, and for an answer: a connection may be half open."""
MOST_WAITING = 4
"""Messages that were received and wait."""
_POLICY_VIOLATION, _TOO_BIG, _NO_PONG, _TOKEN_WANTED = 1008, 1009, 1011, 4401
_GOING_AWAY = 1001
_MOST_PLACES = 3  # addresses of a name that are tried
_UNKNOWN_AUTHORITY = {18, 19, 20, 21}  # of OpenSSL: somebody signed whom this machine does not know


class FollowError(Exception):
    """A daemon cannot be followed. The text says why, in words for people."""


class _Link(ClientConnection):
    """A connection that ends when the other side sends too many frames, or too long ones."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._allowance = float(FRAMES_AT_ONCE)
        self._counted_seconds = self.loop.time()

    def process_event(self, event: WireEvent) -> None:
        """Handle a frame, unless they come too fast."""
        if isinstance(event, Frame):
            now = self.loop.time()
            earned = (now - self._counted_seconds) * FRAMES_PER_SECOND
            self._allowance = min(FRAMES_AT_ONCE, self._allowance + earned)
            self._allowance -= max(1.0, len(event.data) / FRAME_BYTES)
            self._counted_seconds = now
            if self._allowance < 0:
                self.protocol.fail(_POLICY_VIOLATION, "too many messages")
                self.send_data()
                return
        super().process_event(event)


class _Connect(connect):
    """Opens a connection, and goes nowhere else if told to."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


@asynccontextmanager
async def linked(followed: Followed) -> AsyncIterator[ClientConnection]:
    """Open a connection for the time of the context. The token goes with the handshake.

    Raises:
        Exception: it cannot be opened; see :func:`reason_of`.
    """
    headers = {} if followed.token is None else {"Authorization": f"Bearer {followed.token}"}
    connected = await asyncio.wait_for(_connected(followed), OPEN_SECONDS)
    options: dict[str, Any] = {} if followed.tls is None else {"ssl": followed.tls}
    async with _Connect(
        followed.address.url,
        sock=connected,
        additional_headers=headers,
        compression=None,  # what is sent small stays small
        proxy=None,
        open_timeout=OPEN_SECONDS,
        ping_interval=PING_SECONDS,
        ping_timeout=PING_SECONDS,
        close_timeout=Limits.close_seconds,
        max_size=Limits.message_bytes,
        max_queue=MOST_WAITING,
        create_connection=_Link,
        logger=logging.getLogger("emotiond.websockets"),
        **options,
    ) as connection:
        yield connection


async def _connected(followed: Followed) -> socket.socket:
    """Connect to one of the addresses behind a name.

    Threads of the event loop are waited for at its end. This lookup has one of its own, since it
    may hang for long.
    """
    host, port = followed.address.host, followed.address.port
    found = await asyncio.wrap_future(
        run_in_background(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    )
    if not followed.address.is_encrypted:  # in a hosts file, "localhost" may be another machine
        found = [each for each in found if is_loopback(str(each[4][0]))]
    failure: OSError = ConnectionRefusedError()
    for family, kind, protocol, _, place in found[:_MOST_PLACES]:
        with ExitStack() as stack:
            try:  # a system without IPv6 makes no socket for it
                connecting = stack.enter_context(socket.socket(family, kind, protocol))
                connecting.setblocking(False)
                seconds = OPEN_SECONDS / _MOST_PLACES
                await asyncio.wait_for(
                    asyncio.get_running_loop().sock_connect(connecting, place), seconds
                )
            except (OSError, asyncio.TimeoutError) as error:
                failure = error if isinstance(error, OSError) else TimeoutError()
            else:
                stack.pop_all()
                return connecting
    raise failure


def reason_of(error: Exception, followed: Followed) -> str:
    """Return why a connection failed, and what helps. Nothing of it is the other side's text."""
    if isinstance(error, FollowError):
        return str(error)
    if isinstance(error, OtherProtocolError):
        return "it speaks another version of the protocol; update emotiond there or here"
    if isinstance(error, MessageError):
        return "what answers there sends no messages of emotiond"
    if isinstance(error, InvalidStatus):
        return _reason_of_status(error.response.status_code, followed.address.host)
    if isinstance(error, InvalidHandshake):
        hint = "" if followed.address.is_encrypted else "; if it encrypts, use wss://"
        return f"what answers there is no emotiond{hint}"
    if isinstance(error, ConnectionClosed):
        return _reason_of_end(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        text = f"its certificate is refused ({error.verify_message.rstrip('.')})"
        hint = "; --follow-ca FILE names it, or that of its authority"
        return text + (hint if error.verify_code in _UNKNOWN_AUTHORITY else "")
    if isinstance(error, ssl.SSLError):
        return "no TLS is spoken there; it needs --tls-cert and --tls-key"
    if isinstance(error, ConnectionRefusedError):
        return "no program listens there"
    if isinstance(error, asyncio.TimeoutError | TimeoutError):
        return "it does not answer"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    return getattr(error, "strerror", None) or "the connection broke"


def _reason_of_status(status: int, host: str) -> str:
    if status == 421:
        return f"it does not answer to the name {host}; there, --allow-host {host} changes that"
    if status == 503:
        return "it has too many connections"
    return f"what answers there is no emotiond (HTTP status {status})"


def _reason_of_end(error: ConnectionClosed) -> str:
    sent = None if error.sent is None else error.sent.code
    received = None if error.rcvd is None else error.rcvd.code
    if received == _TOKEN_WANTED:
        return "it wants a token, or another one; --follow-token-file FILE has it"
    if sent in (_POLICY_VIOLATION, _TOO_BIG) and not error.rcvd_then_sent:
        return "it sends too much"
    if sent == _NO_PONG:
        return "it does not answer any more"
    return "it has ended" if received == _GOING_AWAY else "the connection broke"
