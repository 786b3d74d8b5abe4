"""Reads events of the Wyoming protocol from somebody who is not trusted."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import cast

from wyoming.audio import AudioChunk, AudioStart
from wyoming.event import Event, async_read_event
from wyoming.ping import Pong

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError
from emotiond.streamer.audio.raw import RawForm, decode
from emotiond.streamer.readers.sound_file import HIGHEST_RATE, LOWEST_RATE, MOST_CHANNELS

MOST_LINE_BYTES = 2**14
"""Length of an event's first line."""
MOST_BODY_BYTES = 2**20
"""Length of the sound that follows that line: 32 s of the usual one."""
MOST_DATA_BYTES = 2**14
"""Length of the JSON between the two. It takes a hundred times as much memory."""
MOST_CHUNK_SECONDS = 33
"""Of sound in one event: it is played to its end, though its client may be gone."""
_FORMATS = {1: "u8", 2: "s16le", 3: "s24le", 4: "s32le"}  # by bytes


class _Bounded:
    """What the package reads from, with a limit for what an event announces."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def readline(self) -> bytes:
        line = await self._reader.readline()  # limited by the reader itself
        if line and _data_bytes(line) > MOST_DATA_BYTES:
            raise SourceError("an event has too much data", f"Send at most {MOST_DATA_BYTES} bytes")
        return line

    async def readexactly(self, count: int) -> bytes:
        if count > MOST_BODY_BYTES:
            raise SourceError("an event is too long", f"Send at most {MOST_BODY_BYTES} bytes")
        return await self._reader.readexactly(count)


def _data_bytes(line: bytes) -> float:
    """Return the length of the JSON that a line announces; 0 for a line of another shape."""
    try:
        count = json.loads(line).get("data_length")
    except (ValueError, AttributeError, RecursionError):
        return 0
    return count if isinstance(count, int | float) else 0


async def read_event(reader: asyncio.StreamReader) -> Event | None:
    """Read the next event; None at the end.

    Args:
        reader: made with :data:`MOST_LINE_BYTES` as its limit.

    Raises:
        SourceError: what comes is no event, or is too long.
    """
    try:
        event = await async_read_event(cast(asyncio.StreamReader, _Bounded(reader)))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except (AttributeError, KeyError, TypeError, RecursionError):  # JSON of another shape
        event = None
    if event is not None and isinstance(event.type, str) and isinstance(event.data, dict):
        return event
    if event is None and reader.at_eof():
        return None
    raise SourceError("what comes is no Wyoming event", "Send the events of the Wyoming protocol")


@dataclass(frozen=True)
class Sound:
    """The sound of one event."""

    form: RawForm
    data: bytes

    def decoded(self) -> FloatArray:
        """Return its samples, shape ``(n, channels)``."""
        return decode(self.data, self.form)


def sound_of(event: Event) -> Sound | None:
    """Return the sound that an event carries or announces; None for all other events.

    Raises:
        SourceError: it cannot be sound.
    """
    if not (AudioStart.is_type(event.type) or AudioChunk.is_type(event.type)):
        return None
    rate, width, channels = (event.data.get(key) for key in ("rate", "width", "channels"))
    if not (
        type(rate) is int
        and type(width) is int
        and type(channels) is int
        and LOWEST_RATE <= rate <= HIGHEST_RATE
        and width in _FORMATS
        and 1 <= channels <= MOST_CHANNELS
    ):
        raise SourceError(
            "an event has an impossible rate, width or number of channels",
            f"Send {LOWEST_RATE} to {HIGHEST_RATE} Hz, 1 to 4 bytes, 1 to {MOST_CHANNELS} channels",
        )
    form = RawForm(rate, channels, _FORMATS[width])
    data = event.payload or b"" if AudioChunk.is_type(event.type) else b""
    if len(data) % form.frame_bytes:
        raise SourceError("an event ends within a sample", "Send whole samples")
    if len(data) > MOST_CHUNK_SECONDS * rate * form.frame_bytes:
        raise SourceError("an event has too much sound", f"Send at most {MOST_CHUNK_SECONDS} s")
    return Sound(form, data)


def pong_to(event: Event) -> Pong:
    """Return the answer to a ``ping``: with its text, unless that is none or no Unicode."""
    text = event.data.get("text")
    if not isinstance(text, str):
        return Pong()
    try:
        text.encode()
    except UnicodeEncodeError:  # JSON can name half a character
        return Pong()
    return Pong(text)
