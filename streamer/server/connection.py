"""The connection of one client. It applies the limits before it handles any message."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import InvalidMessage
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import CLOSING, CONNECTING, OPEN, Event

from emotiond.streamer.protocol.events import encode
from emotiond.streamer.server.frame_quota import FrameQuota
from emotiond.streamer.server.http import NOT_HTTP, refusal
from emotiond.streamer.server.limits import Limits
from emotiond.streamer.server.unproven import Unproven
from emotiond.streamer.sparing_log import SparingLog

_log = SparingLog(logging.getLogger(__name__))  # clients can make lines as often as they like

POLICY_VIOLATION, TRY_LATER = 1008, 1013
TOKEN_WANTED = 4401
"""The code that closes a connection without the right token."""
PATIENCE_SECONDS = 5.0
"""How long a lossless stream waits for a slow client."""
_OFFENCES = {1009: "size", 1011: "ping"}  # codes with which websockets itself closes


class Connection(ServerConnection):
    """A connection that ends when its client exceeds a limit.

    Args:
        limits: the limits.
        offences: counts the clients that exceed each limit.
        on_lost: called with the connection once it is lost.
        on_options: answers the head of a request with the method OPTIONS.
        arguments: passed on to ``websockets``.
        options: passed on to ``websockets``.
    """

    def __init__(
        self,
        limits: Limits,
        offences: Counter[str],
        on_lost: Callable[[Connection], None],
        on_options: Callable[[Connection, bytes], Response],
        *arguments: Any,
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self._offences = offences
        self._on_lost = on_lost
        self._on_options = on_options
        self._limits = limits
        self._head = bytearray()  # the request, until it is complete
        self._answered_nonsense = False
        self._early = bytearray()  # what came before the answer to the request was sent
        self._early_end = False
        self._leaving = False
        self._quota = FrameQuota(limits, self.loop.time())
        self.knows_token = False
        """Whether the handshake had the token, or none is required."""
        self.is_owner = False
        """Whether it has shown the owner's token, and not that of a paired device."""
        self.limited_as: str | None = None
        """The address whose limits the client counts against; None for this machine, and where
        the client has shown a token."""
        self.only_reads = False
        """Whether this is an event stream, and no WebSocket."""
        self._ignored_bytes = 0  # that came on an event stream
        self._unproven = Unproven(limits.unasked_bytes)
        self._list_bytes = 0  # of a list that is larger than the limit, while it is unread
        self._unread_since: float | None = None  # since when the send buffer has not been empty
        self._most_unread_bytes = 0  # the most bytes in it since then

    def send_text(self, text: str) -> None:
        """Send without waiting. A client that is too far behind is dropped."""
        if self.transport.get_write_buffer_size() > self._most_unread_bytes_now:
            self.drop()
        elif not self.transport.is_closing():  # asyncio logs what is written after a loss
            broadcast((self,), text)

    def send_frame(self, frame: bytes) -> None:
        """Send a frame that holds a whole message, without waiting. No extensions apply."""
        transport = self.transport
        if transport.get_write_buffer_size() > self._most_unread_bytes_now:
            self.drop()
        elif self.protocol.state is OPEN and not transport.is_closing():
            transport.write(frame)
            if len(frame) > self._limits.unread_bytes:
                self._list_bytes = len(frame)

    @property
    def _most_unread_bytes_now(self) -> int:
        """The limit. A single list beyond it does not count until its beginning is read."""
        if self.transport.get_write_buffer_size() <= self._limits.unread_bytes:
            self._list_bytes = 0
        return self._limits.unread_bytes + self._list_bytes

    def offer_frame(self, frame: bytes, spare_bytes: int = 0) -> bool:
        """Send what other clients cause, unless this client is behind with what it got of that.

        So nothing that others do costs a slow client its connection. It proves what it has read by
        its answer to a ping that follows.

        Args:
            frame: holds a whole message.
            spare_bytes: how far the limit may be exceeded.

        Returns:
            Whether it was sent. A client that has read all gets a frame of any size.
        """
        unread_bytes = self.transport.get_write_buffer_size()
        is_taken = self._unproven.has_room(len(frame), spare_bytes) and (
            unread_bytes == 0 or unread_bytes + len(frame) <= self._limits.unread_bytes // 2
        )
        if is_taken:
            self._unproven.add(len(frame))
            self.send_frame(frame)
        if not is_taken or self._unproven.wants_proof:
            self._send_probe()
        return is_taken

    def send_json(self, message: Mapping[str, Any]) -> None:
        """Send a message as JSON without waiting."""
        self.send_text(encode(message))

    async def caught_up(self, wholly: bool = False, deadline: float | None = None) -> None:
        """Wait until the client has read enough. It is dropped after the deadline.

        Args:
            wholly: whether to wait until the client has read everything.
            deadline: in the loop's time; None for five seconds from now.
        """
        most_bytes = 0 if wholly else self._limits.unread_bytes // 2
        deadline = deadline or self.loop.time() + PATIENCE_SECONDS
        while self.transport.get_write_buffer_size() > most_bytes:
            if self.loop.time() > deadline:
                self.drop()
                break
            await asyncio.sleep(0.005)  # transports have no event for this
        self._unread_since = None  # a lossless stream may keep the buffer full

    async def has_read(self) -> None:
        """Wait until the client has read almost everything, or is lost or dropped meanwhile."""
        with contextlib.suppress(OSError):
            await self.drain()

    def pace_audio(self, paced: bool) -> None:
        """Set whether back-pressure paces the client's audio, as that of an uploaded file.

        The frame-rate limit then ignores large chunks of it, but no text.
        """
        self._quota.audio_is_paced = paced

    @property
    def reads(self) -> bool:
        """Whether the client has answered a ping."""
        return self.latency > 0

    def drop_if_stalled(self) -> None:
        """Disconnect the client if its send buffer has not become empty for too long.

        A large message has more time. The buffer is checked at each call only.
        """
        now, unread_bytes = self.loop.time(), self.transport.get_write_buffer_size()
        if unread_bytes == 0:
            self._unread_since = None
            return
        if self._unread_since is None:
            self._unread_since, self._most_unread_bytes = now, 0
        self._most_unread_bytes = max(unread_bytes, self._most_unread_bytes)
        more_seconds = self._most_unread_bytes / self._limits.unread_bytes_per_second
        if now - self._unread_since > self._limits.unread_seconds + more_seconds:
            self.drop()

    def drop(self) -> None:
        """Disconnect a client that does not read."""
        if not self.transport.is_closing():
            self._offences["unread"] += 1
            _log.warning("a client does not read: dropped")
            self.transport.abort()

    def hang_up(self, reason: str) -> None:
        """End the connection of a client that is let in no more, whatever it waits for."""
        is_open = self.protocol.state is OPEN and not self.transport.is_closing()
        if is_open and not self.only_reads:  # an event stream has no frames
            self.protocol.send_close(TOKEN_WANTED, reason)
            for data in self.protocol.data_to_send():
                if data:
                    self.transport.write(data)
        self.transport.close()
        self.loop.call_later(self._limits.close_seconds, self.transport.abort)  # it may not read

    def start_keepalive(self) -> None:
        """Send pings from now on. A client that only reads could not answer them."""
        if not self.only_reads:
            super().start_keepalive()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection. One of a client that only reads has no handshake for that."""
        if self.only_reads:
            self.transport.close()
        else:
            await super().close(code, reason)

    def data_received(self, data: bytes) -> None:
        """Handle bytes from the client, a few kilobytes at most."""
        if self.only_reads and not self._awaits_answer:
            self._ignore(data)
            return
        if self.request is None and not self.protocol.eof_sent:  # else later bytes are discarded
            self._head += data
            asked = functools.partial(self._on_options, self)
            response = refusal(bytes(self._head), self._limits.head_bytes, asked)
            if response is not None:
                self._refuse(response)
                return
            line_ends = self._head.find(b"\r\n\r\n")
            if line_ends >= 0:
                excess = len(self._head) - line_ends - 4
                self._early += data[len(data) - excess :]
                data = data[: len(data) - excess]
        elif self._awaits_answer:
            self._early += data
            return
        super().data_received(data)
        if self.transport.get_write_buffer_size() > self._most_unread_bytes_now:
            self.drop()  # the client sends pings and does not read the answers
        elif self.protocol.state is CLOSING and not self._leaving:
            # websockets would wait forever for a closed client that does not go.
            self._leaving = True
            self.loop.call_later(self._limits.close_seconds, self.transport.abort)

    def eof_received(self) -> bool | None:  # type: ignore[override]  # asyncio heeds the answer
        """Note that the client sends no more. Its request is answered all the same."""
        if self._awaits_answer and self.transport.can_write_eof():  # TLS has no half-closed state
            self._early_end = True
            return True
        super().eof_received()
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the cause, unless the client closed the connection."""
        sent = self.protocol.close_sent
        if self.request is None:
            self._offences["request"] += 1
        elif sent is not None and sent.code in _OFFENCES:
            self._offences[_OFFENCES[sent.code]] += 1
        super().connection_lost(exc)
        self._on_lost(self)

    def process_event(self, event: Event) -> None:
        """Handle a request or a frame, unless the rate is too high."""
        if isinstance(event, Frame):
            if self._answers_probe(event):
                return
            fault = self._quota.fault_of(event, self.loop.time())
            if fault is not None:
                self._offences["rate"] += self.protocol.state is OPEN
                self.protocol.fail(POLICY_VIOLATION, fault)
                self.send_data()
                return
        else:
            self._head.clear()
        super().process_event(event)

    def send_data(self) -> None:
        """Write what waits. Before it, answer what websockets refuses without an answer."""
        if not self._answered_nonsense and isinstance(self.protocol.handshake_exc, InvalidMessage):
            self._answered_nonsense = True
            self.transport.write(NOT_HTTP.serialize())
        super().send_data()
        if (self._early or self._early_end) and self.request and not self._awaits_answer:
            early, ended = bytes(self._early), self._early_end
            self._early.clear()
            self._early_end = False
            self.loop.call_soon(self._receive_early, early, ended)

    @property
    def _awaits_answer(self) -> bool:
        """Whether a request has no answer yet. Bytes behind it would confuse websockets."""
        protocol = self.protocol
        return self.request is not None and protocol.state is CONNECTING and not protocol.eof_sent

    def _receive_early(self, data: bytes, ended: bool) -> None:
        if data and not self.transport.is_closing():
            self.data_received(data)
        if ended and not self.transport.is_closing():
            self.eof_received()
            self.transport.close()

    def _ignore(self, data: bytes) -> None:
        """Discard what comes on an event stream. One that sends too much is disconnected."""
        self._ignored_bytes += len(data)
        if self._ignored_bytes > self._limits.message_bytes:
            self._offences["size"] += 1
            self.transport.abort()

    def _refuse(self, response: Response) -> None:
        self._head.clear()
        self.protocol.send_response(response)  # later bytes are read and discarded
        self.send_data()

    def _send_probe(self) -> None:
        if self.protocol.state is not OPEN or self.transport.is_closing():
            return
        mark = self._unproven.mark()
        if mark is not None:
            self.protocol.send_ping(mark)
            self.send_data()

    def _answers_probe(self, frame: Frame) -> bool:
        """Return whether a frame is the awaited answer. The client has read what came before it."""
        if frame.opcode is not Opcode.PONG or not self._unproven.prove(bytes(frame.data)):
            return False
        if self._unproven.wants_proof:
            self._send_probe()
        return True
