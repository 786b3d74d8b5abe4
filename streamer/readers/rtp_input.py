"""The packets of one track, in the bytes of an RTSP connection that carries them (RFC 2326, 10.12).

The daemon puts a frame of the same form before them: its channel is that of the track, and its
content is the track's description.
"""

from __future__ import annotations

import struct

from emotiond.exceptions import SourceError
from emotiond.streamer.readers.stream_input import StreamInput

FRAME = struct.Struct(">cBH")
"""A mark, the channel, and the length of the packet that follows."""
MARK = b"$"
MOST_LINE_BYTES, MOST_LINES = 2**13, 100
"""Of a message of RTSP between the packets."""
_MOST_CONTENT_BYTES = 2**16
_STRETCH_BYTES, _MOST_STRETCH_BYTES = 200_000, 270_000
_RTP_BYTES = 12
_TIMES = slice(4, 8)
_RTCP_TYPES = range(192, 224)


class RtpInput:
    """The packets of a track, and nothing else that a server sends.

    Args:
        stream: the bytes of the connection, after the description of the track.
    """

    def __init__(self, stream: StreamInput) -> None:
        self._stream = stream
        frame = self._frame() or (0, b"")
        self._channel, self.description = frame
        self.is_over = False
        """Whether no packet follows."""

    def packet(self) -> bytes:
        """Return the next packet of RTP; nothing at the end.

        Raises:
            SourceError: the server breaks the rules of RTSP.
        """
        while (frame := self._frame()) is not None:
            channel, packet = frame
            is_rtp = len(packet) > _RTP_BYTES and packet[1] not in _RTCP_TYPES
            if channel == self._channel and is_rtp:
                return packet
        self.is_over = True
        return b""

    def _frame(self) -> tuple[int, bytes] | None:
        """Return the next channel and packet; None at the end."""
        while (mark := self._stream.peek(1)) and mark != MARK:
            self._pass_message()
        head = self._exactly(FRAME.size)
        if head is None:
            return None
        _, channel, length = FRAME.unpack(head)
        packet = self._exactly(length)
        return None if packet is None else (channel, packet)

    def _exactly(self, count: int) -> bytes | None:
        """Return so many bytes; None if the stream ends before."""
        content = b""
        while len(content) < count and (new := self._stream.read(count - len(content))):
            content += new
        return content if len(content) == count else None

    def _pass_message(self) -> None:
        """Pass over an answer to the daemon, or a request."""
        length = 0
        for _ in range(MOST_LINES):
            name, _, value = self._line().partition(b":")
            if not name:
                self._exactly(length)
                return
            if name.strip().lower() == b"content-length":
                value = value.strip()
                length = int(value) if value.isdigit() and len(value) < 6 else -1
                if not 0 <= length <= _MOST_CONTENT_BYTES:
                    break
        raise _broken()

    def _line(self) -> bytes:
        """Return the next line without its end; nothing at the end of the message or the stream."""
        line = b""
        while (new := self._stream.read(1)) and new != b"\n":
            line += new
            if len(line) > MOST_LINE_BYTES:
                raise _broken()
        return line.rstrip(b"\r")


class RtpStretch:
    """As many packets as one demuxer of FFmpeg can take, in a file for it.

    FFmpeg reads the description up to the end of the file, and then goes on in it (``custom_io``).
    After 280,000 bytes it would write a report about them into this file, which is for reading
    alone. So another demuxer goes on before, where a packet begins another time of the stream.

    Args:
        packets: the next ones are in it.
        held: a packet that comes before those.
    """

    def __init__(self, packets: RtpInput, held: bytes = b"") -> None:
        self._packets = packets
        self._description = packets.description
        self.held = held
        """The packet that comes after these."""
        self.is_over = False
        """Whether all has been read."""
        self._is_described = False
        self._times = b""
        self._count_bytes = 0

    def go_on(self) -> None:
        """Give packets from now on: the description has been understood."""
        self._is_described = True

    def read(self, most: int) -> bytes:
        """Return the next part of the description, nothing after it, and then a packet."""
        if not self._is_described:
            part, self._description = self._description[:most], self._description[most:]
            return part
        if self.is_over:
            return b""
        packet, self.held = self.held or self._packets.packet(), b""
        self._count_bytes += len(packet)
        if (
            self._count_bytes > _STRETCH_BYTES and packet[_TIMES] != self._times
        ) or self._count_bytes > _MOST_STRETCH_BYTES:
            self.held, packet = packet, b""
        self._times = packet[_TIMES]
        self.is_over = not packet
        return packet[:most]  # PyAV copies what it gets, whatever it has asked for


def _broken() -> SourceError:
    return SourceError("it breaks the rules of RTSP", "Look whether it is a server of sound")
