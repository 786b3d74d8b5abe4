"""A Wyoming client that is connected: its sound, its rate, and what it is answered."""

from __future__ import annotations

import asyncio
import contextlib

from wyoming.event import Eventable, async_write_event

from emotiond.streamer.audio.raw import RawForm
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.sources.live_writer import LiveWriter
from emotiond.streamer.sources.pace import Pace
from emotiond.streamer.sources.turns import Turns
from emotiond.streamer.sources.wyoming_events import MOST_LINE_BYTES

ANSWER_SECONDS = 5.0
"""For how long an answer may stay unread."""
EVENTS_AT_ONCE, EVENTS_PER_SECOND = 400, 200.0
"""Events of a client. More wait in the socket."""


class WyomingClient:
    """One connection, with what it takes to play its sound.

    Args:
        reader: what it sends.
        stream: what it gets.
    """

    def __init__(self, reader: asyncio.StreamReader, stream: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.pace = Pace()
        """Holds its sound to the time at which it is due."""
        self.events = Turns(EVENTS_AT_ONCE, EVENTS_PER_SECOND)
        """Holds its events to their rate."""
        self.heard_seconds = 0.0
        """When its last sound was heard, by the monotonic clock."""
        self._stream = stream
        self._form: RawForm | None = None
        self._writer: LiveWriter | None = None

    def begins_with(self, form: RawForm) -> bool:
        """Return whether sound of this form does not go on with what came before."""
        return self._writer is None or self._form != form

    def writer_of(self, form: RawForm, ring: Ring) -> LiveWriter:
        """Return what writes sound of this form. Another form than before is a seam."""
        if self._writer is None or self.begins_with(form):
            if self._writer is not None:
                self._writer.flush()
                ring.cut()
            self._form, self._writer = form, LiveWriter(form.sample_rate, form.channels, ring)
        return self._writer

    def flush(self) -> None:
        """Write what is held back; the next sound begins anew."""
        if self._writer is not None:
            self._writer.flush()
            self._writer = None

    async def answer(self, answer: Eventable) -> None:
        """Send an event. A client that does not read it in time is given up."""
        await asyncio.wait_for(async_write_event(answer.event(), self._stream), ANSWER_SECONDS)

    async def refuse(self, answer: Eventable) -> None:
        """Send a last event, and discard what the client sends until it goes, for 5 s at most.

        A system that closes with bytes unread resets the connection, and the event can be lost.
        """
        await self.answer(answer)
        self._stream.write_eof()
        await asyncio.wait_for(self._discard(), ANSWER_SECONDS)

    async def _discard(self) -> None:
        while await self.reader.read(MOST_LINE_BYTES):
            pass

    @property
    def is_gone(self) -> bool:
        """Whether the connection is closed."""
        return self._stream.is_closing()

    def hang_up(self) -> None:
        """Close the connection. What the client has left unread must not keep it open."""
        self._stream.close()
        if self._stream.transport.get_write_buffer_size():
            self._stream.transport.abort()

    async def ended(self) -> None:
        """Wait until the connection that was closed is, which takes its error, if it has one.

        asyncio logs an error that nobody has taken as soon as it frees the connection.
        """
        with contextlib.suppress(OSError):
            await self._stream.wait_closed()
